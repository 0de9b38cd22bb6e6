#!/usr/bin/env node
require('./load.js')('gam.cjs');
