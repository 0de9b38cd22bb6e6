import { randomBytes } from 'node:crypto';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ended } from './child.ts';
import type { PushedRef, RecordedPush } from './push-history.ts';
import type { Sandbox } from './sandbox.ts';

/** What one `git push` came to. */
export interface Pushed {
  /** One for an atomic push, else one for each ref. */
  pushes: RecordedPush[];
  stdout: string;
  stderr: string;
}

/** Pushers give up when their line says next to nothing for so long, in milliseconds, where nobody says how long a push may wait. */
const SILENCE_MS = 20_000;

/** After so many times that silence, the pusher ends a push. */
const ENDED_AFTER = 3;

type Outcome = RecordedPush['outcome'];

// What the other side has looked at and refused was not done. Where it says that it does not know, or its hook was killed, nobody does.
function outcomeOf(line: string | undefined): Outcome {
  if (line === undefined) return 'unknown';
  if (!line.startsWith('!')) return 'acknowledged';
  if (/\[rejected\]/.test(line)) return 'refused';
  return /\(gam: (?!nobody knows)|\(atomic push fail|\((?:non-fast-forward|deletion |hook declined)/.test(
    line,
  )
    ? 'refused'
    : 'unknown';
}

/** The line of a ref that `git push --porcelain` prints (git-push(1), "OUTPUT"). */
function lineOf(stdout: string, ref: string): string | undefined {
  return stdout.split('\n').find((line) => line.split('\t')[1]?.endsWith(`:${ref}`));
}

function outcomesOf(stdout: string, updates: readonly PushedRef[]): Outcome[] {
  return updates.map(({ ref }) => outcomeOf(lineOf(stdout, ref)));
}

/** Someone who pushes with a git of his own, from a clone of his own; the objects of all are in one store. */
export class Pusher {
  readonly name: string;
  readonly #sandbox: Sandbox;
  readonly #clone: string;
  readonly #silenceMs: number;
  #tree: Promise<string> | null = null;

  constructor(sandbox: Sandbox, name: string, clone: string, silenceMs: number) {
    this.#sandbox = sandbox;
    this.#silenceMs = silenceMs;
    this.name = name;
    this.#clone = clone;
  }

  /** Makes a commit that nobody else has. */
  async commit(parent: string | null): Promise<string> {
    const who = 'A U Thor <author@example.com> 1700000000 +0000';
    this.#tree ??= this.#writeTree();
    const head = [`tree ${await this.#tree}`, ...(parent === null ? [] : [`parent ${parent}`])];
    const text = [
      ...head,
      `author ${who}`,
      `committer ${who}`,
      '',
      `${this.name} ${randomBytes(8).toString('hex')}\n`,
    ];
    const made = ['hash-object', '-t', 'commit', '-w', '--stdin'];
    return (await this.#sandbox.git(made, { cwd: this.#clone, input: text.join('\n') })).stdout.trim();
  }

  async #writeTree(): Promise<string> {
    const made = ['hash-object', '-t', 'tree', '-w', '--stdin'];
    return (await this.#sandbox.git(made, { cwd: this.#clone, input: '' })).stdout.trim();
  }

  /** Branches and tags at a member; null where it cannot be reached. */
  async look(url: string): Promise<Map<string, string> | null> {
    const { status, stdout } = await this.#run(['ls-remote', '--refs', url]);
    if (status !== 0) return null;
    const lines = stdout.split('\n').filter((line) => line !== '');
    return new Map(
      lines.map((line) => {
        const [oid = '', ref = ''] = line.split('\t');
        return [ref, oid];
      }),
    );
  }

  /** Pushes what goes from the old values to the new ones, and from no others. */
  async push(url: string, wanted: readonly PushedRef[], atomic = false): Promise<Pushed> {
    const leases = wanted.map(({ ref, old }) => `--force-with-lease=${ref}:${old ?? ''}`);
    const specs = wanted.map(({ ref, new: to }) => `${to ?? ''}:${ref}`);
    const start = performance.now();
    const args = ['push', '--porcelain', ...(atomic ? ['--atomic'] : []), ...leases, url, ...specs];
    const { stdout, stderr } = await this.#run(args);
    const end = performance.now();
    // What git finds to be there already it does not send, whatever it was to be before.
    const updates = wanted.filter(({ ref }) => !lineOf(stdout, ref)?.startsWith('='));
    const outcomes = outcomesOf(stdout, updates);
    const name = `${this.name} at ${url}${atomic ? ' --atomic' : ''}`;
    if (!atomic)
      return {
        stdout,
        stderr,
        pushes: updates.map((update, n) => ({
          name,
          start,
          end,
          updates: [update],
          outcome: outcomes[n] ?? 'unknown',
        })),
      };
    if (updates.length === 0) return { stdout, stderr, pushes: [] };
    const [first] = outcomes;
    const outcome = outcomes.every((one) => one === first) && first !== undefined ? first : 'unknown';
    if (outcomes.includes('acknowledged') && outcomes.includes('refused'))
      throw new Error(`half of an atomic push was done:\n${stdout}${stderr}`);
    return { stdout, stderr, pushes: [{ name, start, end, updates, outcome }] };
  }

  // Where the connection ends within the answer to a push, git itself waits for ever (2.39: git-remote-http and send-pack, each for the
  // other). Its user then ends it, and knows nothing.
  async #run(args: readonly string[]): Promise<Pick<Ended, 'status' | 'stdout' | 'stderr'>> {
    const seconds = Math.ceil(this.#silenceMs / 1000);
    const patience = ['-c', 'http.lowSpeedLimit=1', '-c', `http.lowSpeedTime=${seconds}`];
    return this.#sandbox
      .git([...patience, ...args], {
        cwd: this.#clone,
        expectStatus: null,
        timeout: ENDED_AFTER * this.#silenceMs,
      })
      .catch((error: Error) => ({ status: null, stdout: '', stderr: error.message }));
  }
}

async function shareObjects(from: string, to: string): Promise<void> {
  await rm(join(to, 'objects'), { recursive: true });
  await symlink(join(from, 'objects'), join(to, 'objects'));
}

/** Makes clones for pushers that share their objects. */
export async function makePushers(
  sandbox: Sandbox,
  names: readonly string[],
  silenceMs = SILENCE_MS,
): Promise<Pusher[]> {
  const pushers: Pusher[] = [];
  for (const name of names) {
    const clone = `clones/${name}`;
    await sandbox.git(['init', '--quiet', '--bare', clone]);
    // Every commit of every pusher must be at hand, as if each had fetched before.
    if (name !== names[0]) await shareObjects(sandbox.path(`clones/${names[0]}`), sandbox.path(clone));
    pushers.push(new Pusher(sandbox, name, clone, silenceMs));
  }
  return pushers;
}
