import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core/config';
import { type BuildOptions, build } from 'esbuild';
import { rehearse } from './rehearsal.ts';

// `npm run build`: makes dist/ and oclif.manifest.json anew.

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(TOP, 'dist');

// What few commands need: undici and isomorphic-git for `gam mirrors check` are twice as large as all else together, undici for `gam watch run`
// nearly as large, prom-client and bcryptjs for `gam serve` a third, and the server itself, in front of http or ssh, a sixth. Each is imported
// by name where it is needed, and a bundle of its own, with modules of its own: none shares what a module remembers.
const APART = [
  'src/transport/web-probe.ts',
  'src/transport/web-tip.ts',
  'src/server/metrics.ts',
  'src/server/check-password.ts',
  'src/server/serve.ts',
  'src/main/upload-pack.ts',
  'src/replica/etcd-coordinator.ts',
];

// The one module that bundles share: an error is told as what it is, whichever of them has thrown it. The helper is one bundle,
// on the way of every fetch.
const SHARED = 'src/errors.ts';
const HELPER = 'src/main/git-remote-mirror.ts';
// What a member's hook runs; every push waits for it.
const MEMBER = 'src/main/member.ts';

const bundleOf = (source: string) => source.replace(/^.*\/(.*)\.ts$/, '$1.cjs');

// CommonJS in one file: node starts that in two thirds of the time that it takes with modules.
const BUNDLE: BuildOptions = {
  absWorkingDir: TOP,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  logLevel: 'warning',
  // Comments are a third of what would have to be read.
  minifyWhitespace: true,
  supported: { 'dynamic-import': false },
  // What lies beside them is looked for from where their code is: data, and the descriptions of etcd's protocol. Each is loaded
  // when it is needed; so is cockatiel, which etcd3 loads in any case.
  external: ['geoip-lite', 'etcd3', 'cockatiel'],
  plugins: [
    {
      name: 'apart',
      setup: (steps) =>
        steps.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
          const source = relative(TOP, resolve(resolveDir, path)).split(sep).join('/');
          const isApart = kind === 'dynamic-import' && APART.includes(source);
          const isWhole = steps.initialOptions.outfile === join(DIST, bundleOf(HELPER));
          const isShared = kind !== 'entry-point' && source === SHARED && !isWhole;
          return isApart || isShared ? { path: `./${bundleOf(path)}`, external: true } : null;
        }),
    },
  ],
};

/** Writes down which commands there are, with their flags and help: to run one, the others need not be loaded. */
async function writeManifest(): Promise<void> {
  const plugin = new Plugin({
    root: TOP,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  writeFileSync(join(TOP, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`);
}

async function bundle(source: string): Promise<void> {
  const outfile = join(DIST, bundleOf(source));
  await build({ ...BUNDLE, entryPoints: [source], outfile });
  // bin/load.js takes a byte for a character. esbuild escapes all others, but not in regular expressions, where they mean the same.
  const text = readFileSync(outfile, 'utf8');
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  writeFileSync(outfile, text.replace(/[^\0-\x7f]/g, escaped));
}

// The bundles themselves stay until each is overwritten: somebody may be fetching.
mkdirSync(DIST, { recursive: true });
for (const name of readdirSync(DIST).filter((entry) => !entry.endsWith('.cjs')))
  rmSync(join(DIST, name), { recursive: true });
await writeManifest();
for (const source of [SHARED, ...APART]) await bundle(source);
await bundle('src/main/gam.ts');
for (const source of [HELPER, MEMBER]) await bundle(source);
await rehearse(TOP).catch((error: Error) => console.error(`gam will start more slowly: ${error.message}`));
