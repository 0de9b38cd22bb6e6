// Stands for gam's own program behind the proc-receive hook (githooks(5)): moves the refs as it is told, by itself.
const { execFileSync } = require('node:child_process');
const { readPackets, writePackets } = require('./hook-packets.cjs');

readPackets();
writePackets(['version=1\0']);
const changes = readPackets().map((line) => line.trimEnd().split(' '));
console.error(`kept: ${process.env.GAM_KEPT_PROC_RECEIVE ?? 'none'}`);
execFileSync('git', ['update-ref', '--stdin'], {
  input: changes.map(([old, to, ref]) => `update ${ref} ${to} ${old}\n`).join(''),
  env: { ...process.env, GAM_REPLICA_MOVES: '1' },
});
writePackets(changes.map(([, , ref]) => `ok ${ref}`));
