import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

// A runner that is killed cannot end what it has started, and a server would then listen for ever: each child leads a process
// group of its own, so that no signal of a terminal reaches it. So there is one small process beside the runner that is told of
// all groups, and ends those that are left when its standard input comes to its end, by whatever death.
const SCRIPT = `
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -TERM "-$group"; done 2>/dev/null
[ "$groups" = ' ' ] || sleep 10
for group in $groups; do kill -KILL "-$group"; done 2>/dev/null
`;

let told: Writable | null = null;

function open(): Writable {
  const reaper: ChildProcess = spawn('sh', ['-c', SCRIPT], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // The runner does not wait for it: it ends behind the runner.
  reaper.unref();
  const input = reaper.stdin as Writable & { unref(): void };
  input.unref();
  input.on('error', () => undefined);
  return input;
}

/** Has a process group ended when this process is gone; until it is called off. */
export function endWithRunner(group: number): () => void {
  told ??= open();
  told.write(`+ ${group}\n`);
  return () => void told?.write(`- ${group}\n`);
}
