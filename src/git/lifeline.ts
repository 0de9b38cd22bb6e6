import type { Writable } from 'node:stream';
import { type Started, type StartOptions, startProcess } from './process.ts';

// Whoever is killed outright cannot end what it has started. A git push in the middle of an answer does not notice it: git-remote-http and
// send-pack may wait for each other for ever where a line ends there (git 2.39), and count as at work in the repository. So there is
// one small process beside this one that is told of all groups; its standard input ends with this one, by whatever death.
const SCRIPT = `
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
[ "$groups" = ' ' ] && exit
for group in $groups; do kill -TERM "-$group"; done 2>/dev/null
sleep 2
for group in $groups; do kill -KILL "-$group"; done 2>/dev/null
`;

let told: Writable | null = null;

function open(): Writable | null {
  const { child } = startProcess('sh', ['-c', SCRIPT], {
    cwd: '/',
    // A shell has a PATH of its own.
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // This process does not wait for it.
  child.unref();
  const input = child.stdin as (Writable & { unref(): void }) | null;
  input?.on('error', () => undefined).unref();
  return input;
}

function tell(line: string): void {
  told ??= open();
  told?.write(`${line}\n`);
}

/** Has a process group ended when this process is gone, by whatever death; until it is called off. */
export function endWithUs(group: number): () => void {
  tell(`+ ${group}`);
  return () => tell(`- ${group}`);
}

/** Starts one process at the head of a group of its own (endGroup()); none of that outlives this process, also where it is killed. */
export function startTied(command: string, args: readonly string[], options: StartOptions = {}): Started {
  const started = startProcess(command, args, { ...options, detached: true });
  if (started.child.pid === undefined) return started;
  const callOff = endWithUs(started.child.pid);
  started.exit.then(callOff, callOff);
  return started;
}
