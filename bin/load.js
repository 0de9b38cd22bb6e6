// Runs a bundle of dist/, with the code that V8 made of it while gam was built (src/main/rehearsal.ts): to compile it
// anew would take some milliseconds on every fetch. V8 itself refuses code that it did not make of a file of this length
// under these flags; then, and where there is none for this node, it compiles.
const { readFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const DIST = join(__dirname, '../dist');
const loaded = new Map();

// The file in dist/ for what this node makes of a bundle; another version or machine has its own.
function codeFile(name) {
  return `${name}.${process.version}-${process.platform}-${process.arch}.code`;
}

function codeOf(name) {
  try {
    return readFileSync(join(DIST, codeFile(name)));
  } catch {
    return undefined;
  }
}

/** What the bundle of this name exports. */
function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = join(DIST, name);
  // Nothing but ASCII is in it (src/main/build.ts), which is read a good deal faster where that is known.
  const script = new Script(wrap(readFileSync(filename, 'latin1')), { filename, cachedData: codeOf(name) });
  const bundle = { exports: {} };
  loaded.set(name, bundle);
  // What few commands need is a bundle of its own.
  const requireHere = (id) => (id.startsWith('./') ? load(id.slice(2)) : require(id));
  script.runInThisContext()(bundle.exports, requireHere, bundle, filename, DIST);
  return bundle.exports;
}

module.exports = { codeFile, load };
