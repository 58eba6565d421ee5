// Bundles the page into a folder of plain files: `npm run build [-- FOLDER]`.
// FOLDER: the argument, else $SPACEPORT_VIEWER_DIR, else build/viewer of the checkout.
import { build } from 'esbuild';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const checkout = path.resolve(here, '../../..');
const target = path.resolve(
    process.argv[2] ?? (process.env.SPACEPORT_VIEWER_DIR || path.join(checkout, 'build', 'viewer'))
);
const bundled = ['@playcanvas/supersplat-viewer', 'playcanvas'];

const licences = async () => {
    const texts = bundled.map(async (name) => {
        const folder = path.join(here, 'node_modules', name);
        const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
        return `${name} ${version}\n\n${await readFile(path.join(folder, 'LICENSE'), 'utf8')}`;
    });
    return (await Promise.all(texts)).join('\n----\n\n');
};

await mkdir(target, { recursive: true });
await build({
    entryPoints: { viewer: path.join(here, 'src', 'main.js') },
    outdir: target,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning'
});
for (const name of ['index.html', 'favicon.svg']) {
    await cp(path.join(here, 'src', name), path.join(target, name));
}
await writeFile(path.join(target, 'LICENSES.txt'), await licences());
console.log(`The viewer page is in ${target}`);
