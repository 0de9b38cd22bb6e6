#!/usr/bin/env node
// CommonJS, as is what it loads: node starts that some milliseconds sooner, on every fetch.
require('./load.js').load('git-remote-mirror.cjs');
