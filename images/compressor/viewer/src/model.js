// Fetches the model's files and says in plain words why that failed.

export class PageError extends Error {
    /**
     * @param {string} message - What is wrong and what to do, for the person at the screen.
     * @param {{ cause?: unknown, retry?: boolean }} [options] - `retry`: trying again may help.
     */
    constructor(message, { cause, retry = false } = {}) {
        super(message, { cause });
        this.retry = retry;
    }
}

const refused = (status) => {
    if (status === 401 || status === 403) {
        return new PageError('Your access to this model has run out. Please open the link that you were given once more.');
    }
    if (status === 404) {
        return new PageError('There is no model at this address. It may have been deleted, or the link is incomplete.');
    }
    return new PageError(`The server could not deliver the model (error ${status}). Please try again in a minute.`, {
        retry: true
    });
};

/**
 * @param {string} url - Relative to the page.
 * @returns {Promise<Response>} A response that is there.
 */
export const fetchFile = async (url) => {
    let response;
    try {
        response = await fetch(url);
    } catch (cause) {
        throw new PageError('The model could not be reached. Please check your internet connection.', {
            cause,
            retry: true
        });
    }
    if (!response.ok) {
        throw refused(response.status);
    }
    return response;
};

export const damaged = (cause) =>
    new PageError('The model file is damaged or incomplete, so it cannot be shown. Please try again.', {
        cause,
        retry: true
    });
