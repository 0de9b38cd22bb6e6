// Loaded into gam's processes by NODE_OPTIONS=--require=<this file>, so that the program itself needs no hook
// for tests; CommonJS, which node loads 10 ms sooner. It numbers what a process does, and at one such moment sends
// a signal, synchronously: nothing that the process does comes between. See moments.ts for the variables.
const childProcess = require('node:child_process');
const fs = require('node:fs');
const promises = require('node:fs/promises');
const { syncBuiltinESMExports } = require('node:module');
const { basename } = require('node:path');

const { GAM_TEST_MOMENTS: log, GAM_TEST_AT: at = '', GAM_TEST_PEAK: peak } = process.env;
const [wantedRole, wantedKind, wantedKey, signal, target] = at.split(' ');
const { appendFileSync, readFileSync, writeSync } = fs;
const role = process.argv[2] === '--sweep' ? 'sweeper' : 'helper';
const counts = { trace: 0, change: 0, spawn: 0 };
const steps = {};

function parentOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function hasEnded(pid) {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

function waitForEnd(pid) {
  for (let turn = 0; turn < 1000 && !hasEnded(pid); turn += 1) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

function act() {
  if (target === 'self') process.kill(process.pid, signal);
  if (target === 'group') process.kill(0, signal);
  if (target !== 'git') return;
  // git started a wrapper, `git remote-mirror`, and that this process; go on only when git is gone.
  const git = parentOf(process.ppid);
  process.kill(git, signal);
  waitForEnd(git);
}

// Returns true when the time has come. Steps are known by their names, since what goes on side by side comes in
// one order now and in another then.
function moment(kind, name) {
  counts[kind] += 1;
  let key = String(counts[kind]);
  if (kind === 'trace') {
    steps[name] = (steps[name] ?? 0) + 1;
    key = `${name}#${steps[name]}`;
  }
  if (log !== undefined) appendFileSync(log, `${role} ${kind} ${counts[kind]} ${key} ${name}\n`);
  return role === wantedRole && kind === wantedKind && key === wantedKey;
}

fs.writeSync = (fd, data, ...rest) => {
  const written = writeSync(fd, data, ...rest);
  const step = /^gam-trace: [0-9]+ (\S+)/.exec(typeof data === 'string' ? data : '');
  if (step && moment('trace', step[1])) act();
  return written;
};

for (const name of ['mkdir', 'mkdtemp', 'rename', 'rm', 'writeFile']) {
  const change = promises[name];
  promises[name] = (path, ...rest) => {
    if (moment('change', `${name} ${basename(String(path))}`)) act();
    return change(path, ...rest);
  };
}

const { spawn } = childProcess;
childProcess.spawn = (command, args, options) => {
  const now = moment('spawn', [basename(command), ...args].join(' ').replaceAll('\n', '?'));
  // One that signals itself in the child's place: the child might be done before a signal reaches it.
  if (now && target === 'child') return spawn('sh', ['-c', `kill -${signal.slice(3)} $$`], options);
  if (now) act();
  return spawn(command, args, options);
};

// The kernel's own mark, VmHWM of proc(5), in KiB.
if (peak !== undefined) {
  process.once('exit', () => {
    const [, size] = /^VmHWM:\s*([0-9]+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    appendFileSync(peak, `${role} ${size}\n`);
  });
}

syncBuiltinESMExports();
