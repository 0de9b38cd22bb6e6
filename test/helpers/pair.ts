import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import type { Ended } from './child.ts';
import { expectNoChildren, fsckComplaints, leftovers } from './evidence.ts';
import { openPlace, type Place, type Scheme } from './place.ts';
import type { RunInSandbox, Sandbox } from './sandbox.ts';
import { type RepositoryState, stateOf } from './state.ts';

/** One of two users who do the same, one with plain git, one through gam. */
export interface Side {
  readonly name: 'plain' | 'gam';
  /** The URL for git: canonical's, or the same behind `mirror::`. */
  readonly url: string;
  /** Canonical's repository, each side's own, so that pushes do not meet. */
  readonly canonical: string;
  /** Where the side works; repositories have the same names on both. */
  readonly cwd: string;
  readonly place: Place;
}

/** Two users side by side, and the comparison between them. */
export interface Pair {
  readonly plain: Side;
  readonly gam: Side;
  /**
   * Runs the same git command on both sides and compares status, standard output, and standard error but
   * for gam's own lines. `cwd` is relative to each side's folder; the URL in `args` differs.
   */
  git(args: (side: Side) => readonly string[], options?: RunInSandbox): Promise<{ plain: Ended; gam: Ended }>;
  /** Does something to both sides. */
  both(work: (side: Side) => Promise<unknown> | void): Promise<void>;
  /** A repository is the same on both sides, as sound and clean, and nobody still works on it. */
  expectAlike(repository: string): Promise<void>;
  /** The environment that both sides' commands get. */
  readonly env: Record<string, string>;
  close(): Promise<void>;
}

// What differs by right: gam's lines and the servers', progress, what the web helper says under -v, and the
// last word of a clone by copying files.
const OWN_LINES =
  /^(?:gam: |remote: |POST git-upload-pack|(?:Unp|P)acking objects|done\.)[^\n]*\n|^[^\n]*\r[^\n]*\n/gm;

/**
 * Serves two copies of a repository in one way, and gives two users a folder each.
 *
 * @param source a bare repository of the sandbox
 * @param name a folder of the sandbox for everything
 */
export async function makePair(
  sandbox: Sandbox,
  source: string,
  scheme: Scheme,
  name: string,
  places: readonly Place[] = [],
): Promise<Pair> {
  const env: Record<string, string> = Object.assign({}, ...places.map((place) => place.env));
  async function makeSide(which: 'plain' | 'gam'): Promise<Side> {
    const served = `${name}/${which}-canonical`;
    cpSync(sandbox.path(source), sandbox.path(served, 'repo'), { recursive: true });
    const cwd = `${name}/${which}`;
    mkdirSync(sandbox.path(cwd), { recursive: true });
    const place = await openPlace(sandbox, scheme, served, true);
    Object.assign(env, place.env);
    const url = `${which === 'gam' ? 'mirror::' : ''}${place.url('repo')}`;
    return { name: which, url, canonical: `${served}/repo`, cwd, place };
  }
  const [plain, gam] = [await makeSide('plain'), await makeSide('gam')];

  // Takes out what names a side, how long curl has tried to connect, and what tells gam's side from the other by right.
  const plainly = (text: string, side: Side) =>
    text
      .replaceAll('mirror::', '')
      .replaceAll(side.place.url(''), '<canonical>/')
      .replaceAll(sandbox.path(side.place.folder), '<canonical>')
      .replaceAll(sandbox.path(side.cwd), '<here>')
      .replaceAll(/ after \d+ ms: /g, ' after <n> ms: ');

  const git: Pair['git'] = async (args, options = {}) => {
    const run = (side: Side) =>
      sandbox.git(args(side), {
        ...options,
        cwd: `${side.cwd}/${options.cwd ?? '.'}`,
        env: { ...env, ...options.env },
      });
    const ended = { plain: await run(plain), gam: await run(gam) };
    const seen = ({ status, stdout, stderr }: Ended, side: Side) => ({
      status,
      stdout: plainly(stdout, side),
      stderr: plainly(stderr, side).replace(OWN_LINES, ''),
    });
    assert.deepEqual(seen(ended.gam, gam), seen(ended.plain, plain));
    return ended;
  };

  async function state(side: Side, repository: string): Promise<RepositoryState> {
    const found = await stateOf(sandbox, `${side.cwd}/${repository}`);
    const replaced = (text: string) => plainly(text, side);
    return { ...found, fetchHead: replaced(found.fetchHead), config: found.config.map(replaced) };
  }
  return {
    plain,
    gam,
    git,
    env,
    close: async () => {
      await Promise.all([plain.place.close(), gam.place.close()]);
    },
    both: async (work) => {
      for (const side of [plain, gam]) await work(side);
    },
    expectAlike: async (repository) => {
      assert.deepEqual(await leftovers(sandbox, `${gam.cwd}/${repository}`), []);
      await expectNoChildren(sandbox);
      // Some versions of git find fault with what they made themselves, as with a commit-graph behind --depth.
      const complaints = (side: Side) => fsckComplaints(sandbox, `${side.cwd}/${repository}`);
      const own = await complaints(gam);
      if (own.length > 0) assert.deepEqual(own, await complaints(plain));
      assert.deepEqual(await state(gam, repository), await state(plain, repository));
    },
  };
}
