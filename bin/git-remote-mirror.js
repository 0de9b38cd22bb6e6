#!/usr/bin/env node
import '../dist/git-remote-mirror.js';
