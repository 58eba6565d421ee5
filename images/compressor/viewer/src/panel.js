// The panel over the picture: how far loading is, or what went wrong.

const element = (id) => document.getElementById(id);

export const showTitle = (title) => {
    if (!title) {
        return;
    }
    document.title = title;
    element('title').textContent = title;
    element('title').hidden = false;
};

export const showProgress = (percent) => {
    element('status-progress').value = percent;
    element('status-text').textContent = percent < 100 ? `Loading the model … ${percent} %` : 'Preparing the model …';
};

export const hidePanel = () => {
    element('status').hidden = true;
};

export const showError = (message, retry) => {
    element('viewer').hidden = true;
    element('status').classList.add('error');
    element('status').hidden = false;
    element('status').setAttribute('role', 'alert');
    element('status-progress').hidden = true;
    element('status-text').textContent = message;
    element('status-retry').hidden = !retry;
    element('status-retry').addEventListener('click', () => location.reload(), { once: true });
};
