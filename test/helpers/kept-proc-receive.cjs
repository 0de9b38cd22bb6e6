// A proc-receive hook (githooks(5)) as a server for reviews has it: makes refs/changes/<branch> of a push to refs/for/<branch>.
// The file `mode` in the repository says what else it does, `asked` is what it was asked.
const { execFileSync, spawn } = require('node:child_process');
const { appendFileSync, existsSync, readFileSync, writeSync } = require('node:fs');
const { readPackets, writePackets } = require('./hook-packets.cjs');

const mode = existsSync('mode') ? readFileSync('mode', 'utf8') : '';

function review([, to, ref]) {
  if (mode === 'refuse') return [`ng ${ref} not open for review`];
  if (mode === 'fall-through') return [`ok ${ref}`, 'option fall-through'];
  if (mode === 'merge') execFileSync('git', ['push', '--quiet', '.', `${to}:refs/heads/merged`]);
  const change = ref.replace('refs/for/', 'refs/changes/');
  execFileSync('git', ['update-ref', change, to]);
  console.error(`change ${change}`);
  const twice =
    mode === 'twice' ? [`ok ${ref}`, `option refname ${change}/again`, 'option forced-update'] : [];
  return [`ok ${ref}`, `option refname ${change}`, `option new-oid ${to}`, ...twice];
}

const version = readPackets();
const environment = Object.keys(process.env).filter((name) => /^GAM_(?!TEST_)/.test(name));
const ask = { version, environment, gitDir: process.env.GIT_DIR };
if (mode === 'deaf') {
  // Neither does what it has started obey.
  spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'inherit' });
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1000);
  console.error(`silent beneath ${process.ppid}`);
} else {
  if (mode === 'chatty') writeSync(1, 'welcome\n');
  writePackets(mode === 'future' ? ['version=2'] : ['version=1\0push-options atomic']);
  const changes = readPackets().map((line) => line.split(' '));
  const options = readPackets();
  appendFileSync('asked', `${JSON.stringify({ ...ask, refs: changes.map(([, , ref]) => ref), options })}\n`);
  if (mode === 'die') process.kill(process.pid, 'SIGKILL');
  const report = changes.flatMap(review);
  writePackets(
    mode === 'odd' ? ['yes to all'] : mode === 'meddle' ? [...report, 'ng refs/heads/m no'] : report,
  );
  if (mode === 'fail') process.exitCode = 3;
}
