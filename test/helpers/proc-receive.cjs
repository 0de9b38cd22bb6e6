// Stands for gam's own program behind the proc-receive hook (githooks(5)): moves the refs as it is told, by itself.
const { execFileSync } = require('node:child_process');
const { readSync, writeSync } = require('node:fs');

function read(length) {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readSync(0, buffer, at, length - at, null);
    if (count === 0) process.exit(1);
    at += count;
  }
  return buffer.toString();
}

function readPackets() {
  const lines = [];
  for (;;) {
    const size = Number.parseInt(read(4), 16);
    if (size === 0) return lines;
    lines.push(read(size - 4).replace(/\n$/, ''));
  }
}

function writePackets(lines) {
  const packets = lines.map((line) => (line.length + 4).toString(16).padStart(4, '0') + line);
  writeSync(1, `${packets.join('')}0000`);
}

readPackets();
writePackets(['version=1\0']);
const changes = readPackets().map((line) => line.split(' '));
console.error(`kept: ${process.env.GAM_KEPT_PROC_RECEIVE ?? 'none'}`);
execFileSync('git', ['update-ref', '--stdin'], {
  input: changes.map(([old, to, ref]) => `update ${ref} ${to} ${old}\n`).join(''),
  env: { ...process.env, GAM_REPLICA_MOVES: '1' },
});
writePackets(changes.map(([, , ref]) => `ok ${ref}`));
