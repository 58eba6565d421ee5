// Chooses between WebGPU and WebGL, since a browser may offer the first and have no adapter for it.

import { PageError } from './model.js';

/**
 * @param {boolean} forceWebgl - Leave WebGPU out.
 * @returns {Promise<'webgpu' | 'webgl'>} What this browser can draw with.
 */
export const chooseRenderer = async (forceWebgl) => {
    if (!forceWebgl && navigator.gpu) {
        const adapter = await navigator.gpu.requestAdapter().catch(() => null);
        if (adapter) {
            return 'webgpu';
        }
    }
    const context = document.createElement('canvas').getContext('webgl2');
    if (!context) {
        throw new PageError(
            'This browser cannot draw 3D: WebGL 2 is missing or switched off. ' +
                'Please switch on hardware acceleration or open the link in another browser.'
        );
    }
    context.getExtension('WEBGL_lose_context')?.loseContext();
    return 'webgl';
};
