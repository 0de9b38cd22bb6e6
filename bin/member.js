#!/usr/bin/env node
// A member's proc-receive hook starts this on every push; see src/main/member.ts.
require('./load.js').load('member.cjs');
