// Loaded into a member's processes by NODE_OPTIONS=--require=<this file>, so that the program itself needs no hook for tests. It
// gives names to what a process does with git, and at one such moment does harm: to itself, to the git that has started it, or to the git
// that it starts. See member-fault.ts for the orders. A file `clock` beside them shifts the process's clock by so many milliseconds.
const childProcess = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { basename, join } = require('node:path');

const { GAM_FAULT_FOLDER: folder } = process.env;
const { appendFileSync, readdirSync, readFileSync, renameSync } = fs;
const { spawn } = childProcess;
const role = process.argv[2] === 'work' ? 'worker' : 'hook';

// Of two processes that begin together one gets it.
function takeOrder(kind) {
  for (const name of fs.existsSync(folder) ? readdirSync(folder).sort() : []) {
    if (!name.startsWith(kind)) continue;
    try {
      renameSync(join(folder, name), join(folder, `taken-${name}-${process.pid}`));
      return JSON.parse(readFileSync(join(folder, `taken-${name}-${process.pid}`), 'utf8'));
    } catch {
      // Another process has it.
    }
  }
  return null;
}

function shiftClock() {
  let shift = 0;
  try {
    shift = Number(readFileSync(join(folder, 'clock'), 'utf8'));
  } catch {
    return;
  }
  const { now } = Date;
  Date.now = () => now() + shift;
}

const counts = new Map();
let order = null;

function harm(child) {
  const { target, signal, resumeMs } = order;
  order = null;
  const pid = target === 'child' ? child?.pid : target === 'parent' ? process.ppid : process.pid;
  if (pid === undefined) return;
  appendFileSync(join(folder, 'done'), `${signal} ${target}\n`);
  // Whoever stands still cannot wake itself.
  if (signal === 'SIGSTOP')
    spawn('sh', ['-c', `sleep ${resumeMs / 1000}; kill -CONT ${pid}`], {
      stdio: 'ignore',
      detached: true,
    }).unref();
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function moment(when, step, child) {
  const number = (counts.get(`${when} ${step}`) ?? 0) + 1;
  counts.set(`${when} ${step}`, number);
  appendFileSync(join(folder, 'moments'), `${process.pid} ${when} ${step} ${number}\n`);
  if (order?.when === when && order.step === step && order.number === number) harm(child);
}

// The text of a request, or the commands of git-update-ref(1).
function stepOf(text) {
  const steps = [];
  if (/\brefs\/gam\/incoming\//.test(text) && /(?:create|swap -) ?\S* ?refs\/gam\/incoming/.test(text))
    steps.push('offer');
  // The arbiter may move its own refs, and give the locks back, along with it.
  if (text.includes('refs/gam/state/')) return [...steps, 'commit'];
  if (/(?:create |swap - \S+ )refs\/gam\/locks\//.test(text)) steps.push('lock');
  else if (/(?:delete |swap \S+ - )refs\/gam\/locks\//.test(text)) steps.push('release');
  if (/(?:swap \S+ \S+ )refs\/(?:heads|tags)\//.test(text)) steps.push('move');
  return steps;
}

const requests = new Map();
const OPTION = '--push-option=gam-request=';

// What a push asks of another member: short requests are options, long ones are objects.
function askedBy(args) {
  return args.flatMap((word) =>
    word.startsWith(OPTION)
      ? stepOf(Buffer.from(word.slice(OPTION.length), 'base64').toString())
      : (requests.get(word.split(':refs/gam/request/')[0]) ?? []),
  );
}

function remember(text) {
  const id = createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex');
  requests.set(id, stepOf(text));
}

function watchUpdate(child, before) {
  const { stdin } = child;
  const { write, end } = stdin;
  let steps = [];
  stdin.write = (data, ...rest) => {
    const text = String(data);
    steps = stepOf(text);
    if (steps.length === 0 && /refs\/(?:heads|tags)\//.test(text)) steps = ['prepare'];
    for (const step of steps) before(step);
    return write.call(stdin, data, ...rest);
  };
  stdin.end = (data, ...rest) => {
    if (steps[0] === 'prepare' && String(data).startsWith('commit')) {
      steps = ['local'];
      before('local');
    }
    return end.call(stdin, data, ...rest);
  };
  child.stdout.prependListener('data', (text) => {
    // A swap that nothing is to come between has its commit on the way by then.
    const isOfRefs = ['prepare', 'local'].includes(steps[0]);
    if (isOfRefs && String(text).includes('prepare: ok')) moment('after', 'prepare', child);
  });
  child.prependListener('close', () => {
    for (const step of steps) if (step !== 'prepare') moment('after', step, child);
  });
}

if (folder !== undefined && basename(process.argv[1] ?? '') === 'member.js') {
  order = takeOrder(role);
  shiftClock();
  const { writeFileSync } = fs;
  fs.writeFileSync = (file, ...rest) => {
    // A note of a push under way: this is no request of a member.
    if (String(file).includes('/gam/replica/begun/')) order ??= takeOrder('push');
    return writeFileSync(file, ...rest);
  };
  childProcess.spawn = (command, args, options) => {
    moment('before', 'any', null);
    const asked = askedBy(args);
    for (const step of asked) moment('before', step, null);
    const child = spawn(command, args, options);
    moment('after', 'any', child);
    for (const step of asked) moment('during', step, child);
    child.prependListener('close', () => {
      for (const step of asked) moment('after', step, child);
    });
    if (args.includes('hash-object') && child.stdin !== null) {
      const { end } = child.stdin;
      child.stdin.end = (data, ...rest) => {
        remember(String(data));
        return end.call(child.stdin, data, ...rest);
      };
    }
    if (args.includes('update-ref')) watchUpdate(child, (step) => moment('before', step, child));
    return child;
  };
  syncBuiltinESMExports();
  const { write } = process.stdout;
  process.stdout.write = (data, ...rest) => {
    const isReport = /(?:ok|ng) refs\//.test(String(data));
    if (isReport) moment('before', 'report', null);
    const done = write.call(process.stdout, data, ...rest);
    if (isReport) moment('after', 'report', null);
    return done;
  };
}
