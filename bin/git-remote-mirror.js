#!/usr/bin/env node
// CommonJS, as is what it loads: node starts that some milliseconds sooner, on every fetch.
require('./load.js')('git-remote-mirror.cjs');
