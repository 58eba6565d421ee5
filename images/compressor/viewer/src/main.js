// Opens model.sog and settings.json from the page's own folder.
// Address: ?orbit or ?orbit=SECONDS turns slowly; ?webgl leaves WebGPU out.

import { createViewer } from '@playcanvas/supersplat-viewer/viewer';
import { importSettings } from '@playcanvas/supersplat-viewer/settings';
import '@playcanvas/supersplat-viewer/viewer.css';
import './style.css';

import { damaged, fetchFile, PageError } from './model.js';
import { DEFAULT_SECONDS, orbitTrack } from './orbit.js';
import { hidePanel, showError, showProgress, showTitle } from './panel.js';
import { chooseRenderer } from './renderer.js';

const MODEL = './model.sog';
const SETTINGS = './settings.json';
const POSTER = './preview.jpg';

// What tests and embedding pages may look at.
const page = { ready: false, progress: 0, error: null, renderer: null, viewer: null };
window.spaceport = page;

// The viewer's list of controls covers the model on a first visit; its button opens it.
const closeControlsPanel = () => {
    try {
        localStorage.controlsPanelOpen ??= 'false';
    } catch {
        // A browser may deny storage: then the list is open.
    }
};

const fail = (error) => {
    const known = error instanceof PageError;
    const message = known ? error.message : 'The model could not be shown. Please try again.';
    if (!known) {
        console.error(error);
    }
    page.error = message;
    page.viewer?.destroy();
    showError(message, known ? error.retry : true);
};

const readSettings = async () => {
    const response = await fetchFile(SETTINGS);
    try {
        const document = await response.json();
        return { title: document.spaceport?.title ?? '', settings: importSettings(document) };
    } catch (cause) {
        throw damaged(cause);
    }
};

const withOrbit = (settings, seconds) => ({
    ...settings,
    startMode: 'animTrack',
    animTracks: [orbitTrack(settings.cameras[0].initial, seconds)]
});

const open = async () => {
    const query = new URLSearchParams(location.search);
    const orbiting = query.has('orbit');
    const contents = fetchFile(MODEL);
    contents.catch(() => {}); // awaited below, after the settings
    const { title, settings } = await readSettings();
    showTitle(title);
    page.renderer = await chooseRenderer(query.has('webgl'));
    const response = await contents;
    closeControlsPanel();
    const seconds = Number(query.get('orbit')) || DEFAULT_SECONDS;
    const viewer = await createViewer({
        container: document.getElementById('viewer'),
        settings: orbiting ? withOrbit(settings, seconds) : settings,
        contentUrl: MODEL,
        contents: Promise.resolve(response),
        posterUrl: POSTER,
        renderer: page.renderer,
        noanim: !orbiting
    });
    page.viewer = viewer;
    viewer.app.assets.on('error', (cause) => fail(damaged(cause)));
    viewer.events.on('progress:changed', (percent) => {
        page.progress = percent;
        showProgress(percent);
    });
    viewer.events.on('loaded:changed', () => {
        if (!orbiting) {
            viewer.state.cameraMode = 'orbit';
        }
        hidePanel();
        page.progress = 100;
        page.ready = true;
    });
};

open().catch(fail);
