// A slow turn around the point that the first view looks at.

const KEYS = 24;
export const DEFAULT_SECONDS = 60;

/**
 * @param {{ position: number[], target: number[], fov: number }} view - The first view.
 * @param {number} seconds - Time of one turn.
 * @returns {object} An animation track of the viewer's settings.
 */
export const orbitTrack = (view, seconds) => {
    const [x, y, z] = view.position;
    const [targetX, , targetZ] = view.target;
    const radius = Math.hypot(x - targetX, z - targetZ);
    const start = Math.atan2(x - targetX, z - targetZ);
    const keys = Array.from({ length: KEYS }, (_, index) => index / KEYS);
    const angles = keys.map((share) => start + share * 2 * Math.PI);
    return {
        name: 'orbit',
        duration: seconds,
        frameRate: 1,
        loopMode: 'repeat',
        interpolation: 'spline',
        smoothness: 1,
        keyframes: {
            times: keys.map((share) => share * seconds),
            values: {
                position: angles.flatMap((angle) => [
                    targetX + radius * Math.sin(angle),
                    y,
                    targetZ + radius * Math.cos(angle)
                ]),
                target: angles.flatMap(() => view.target),
                fov: angles.map(() => view.fov)
            }
        }
    };
};
