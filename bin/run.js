#!/usr/bin/env node
void import('../dist/src/main/gam.js');
