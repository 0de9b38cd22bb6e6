import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from './line-fault.ts';
import type { Order } from './member-fault.ts';
import { describePush, faultsOf, type PushedRef, type RecordedPush, type Refs } from './push-history.ts';
import type { Pusher } from './pusher.ts';
import { below, oneOf, type Random, seededRandom } from './random.ts';
import type { ReplicaScene, SceneMember } from './replica-scene.ts';

/** What a seed came to. */
export interface FaultRun {
  /** Broken promises; nothing, where all were kept. */
  faults: string[];
  acknowledged: number;
  refused: number;
  unknown: number;
  /** Everything that happened, for whoever has to find out why. */
  history: string[];
}

/** Something that goes wrong in a run. */
interface Harm {
  at: number;
  name: string;
  begin: () => void;
  /** Milliseconds after which it is put right. */
  lasts: number;
  end?: () => void;
}

const REFS = ['refs/heads/main', 'refs/heads/topic', 'refs/heads/topic-2', 'refs/tags/v1'];
const PUSHES = Number(process.env['GAM_FAULT_PUSHES'] ?? 1);

/** No hook may take longer, whatever happens to it: several of its waits, one after the other. */
const LONGEST_HOOK_LEASES = 20;

/** Whether a member takes pushes again is tried behind every such seed: a push of everything costs as much as all of a seed's own. */
const AGAIN_EVERY = 5;

/** By then every member takes pushes again; a busy machine may need more than one attempt, as its timeouts are short here. */
const AGAIN_LEASES = 15;

function lineFault(random: Random): Fault {
  const after = below(random, 4000);
  return oneOf<Fault>(random, [
    { kind: 'reset' },
    { kind: 'stall' },
    { kind: 'reset', after },
    { kind: 'stall', after },
    { kind: 'cut', after },
    { kind: 'drip', every: 1 },
  ]);
}

function orderOf(random: Random, leaseMs: number): Order {
  const steps = ['any', 'offer', 'lock', 'prepare', 'commit', 'local', 'move', 'release', 'report'] as const;
  const step = random() < 0.5 ? 'any' : oneOf(random, steps);
  const isStop = random() < 0.25;
  return {
    process: oneOf(random, ['push', 'push', 'push', 'hook', 'hook', 'worker'] as const),
    when: oneOf(random, ['before', 'after'] as const),
    step,
    number: step === 'any' ? 1 + below(random, 14) : 1,
    target: isStop ? 'self' : oneOf(random, ['self', 'self', 'parent', 'child'] as const),
    signal: isStop ? 'SIGSTOP' : 'SIGKILL',
    resumeMs: Math.round(leaseMs * (1.2 + random())),
  };
}

function drawHarm(random: Random, scene: ReplicaScene): Harm {
  const { members } = scene;
  const at = below(random, 2500);
  const lasts = 500 + below(random, 3500);
  const one = oneOf(random, members);
  const other = oneOf(
    random,
    members.filter((member) => member !== one),
  );
  const cut = (fault: Fault | null) => {
    one.setFault(fault);
    for (const { id } of members.filter((member) => member !== one)) {
      scene.setFault(id, one.id, fault);
      scene.setFault(one.id, id, fault);
    }
  };
  const kind = below(random, 10);
  if (kind < 4) {
    const order = orderOf(random, scene.leaseMs);
    return {
      at: at / 2,
      lasts: 0,
      name: `${one.id} ${JSON.stringify(order)}`,
      begin: () => one.faults.give(order),
    };
  }
  const fault = lineFault(random);
  const named = JSON.stringify(fault);
  if (kind < 6) {
    const begin = () => scene.setFault(one.id, other.id, fault);
    const end = () => scene.setFault(one.id, other.id, null);
    return { at, lasts, name: `line from ${one.id} to ${other.id} ${named}`, begin, end };
  }
  if (kind === 6) {
    const both = (set: Fault | null) => {
      scene.setFault(one.id, other.id, set);
      scene.setFault(other.id, one.id, set);
    };
    const parted: Fault = { kind: oneOf(random, ['reset', 'stall']) };
    const name = `${one.id} and ${other.id} parted ${parted.kind}`;
    return { at, lasts, name, begin: () => both(parted), end: () => both(null) };
  }
  if (kind === 7)
    return { at, lasts, name: `${one.id} away ${named}`, begin: () => cut(fault), end: () => cut(null) };
  if (kind === 8) {
    const begin = () => {
      cut({ kind: 'reset' });
      scene.signalMember(one.id, 'SIGKILL');
    };
    return { at, lasts: lasts / 4, name: `${one.id} killed`, begin, end: () => cut(null) };
  }
  const shift = oneOf(random, [-3_600_000, 3_600_000, -5000, 5000]);
  const name = `clock of ${one.id} by ${shift}`;
  return { at, lasts, name, begin: () => one.faults.shiftClock(shift), end: () => one.faults.shiftClock(0) };
}

/** What is known of values: all that any ref has had, and what each was when somebody looked. */
class Known {
  readonly values = new Map<string, Set<string>>();

  add(ref: string, value: string): void {
    const values = this.values.get(ref) ?? new Set();
    this.values.set(ref, values.add(value));
  }
}

async function drawUpdate(
  random: Random,
  pusher: Pusher,
  ref: string,
  refs: Refs,
  known: Known,
): Promise<PushedRef> {
  const old = refs.get(ref) ?? null;
  const kind = below(random, 10);
  if (kind === 0 && old !== null && ref !== 'refs/heads/main') return { ref, old, new: null };
  const earlier = [...(known.values.get(ref) ?? [])].filter((value) => value !== old);
  if (kind === 1 && earlier.length > 0) return { ref, old, new: oneOf(random, earlier) };
  const parent = kind === 2 ? null : old;
  const to = await pusher.commit(parent);
  known.add(ref, to);
  return { ref, old, new: to };
}

async function pushSome(
  random: Random,
  pusher: Pusher,
  members: readonly SceneMember[],
  known: Known,
  record: (push: RecordedPush, words: string) => void,
): Promise<void> {
  await pause(below(random, 800));
  for (let turn = 0; turn < PUSHES; turn += 1) {
    const { url } = oneOf(random, members);
    const count = oneOf(random, [1, 1, 1, 2, 3]);
    const names = [...REFS].sort(() => random() - 0.5).slice(0, count);
    const isAtomic = count > 1 && random() < 0.6;
    const refs = await pusher.look(url);
    if (refs === null) continue;
    const updates: PushedRef[] = [];
    for (const ref of names) updates.push(await drawUpdate(random, pusher, ref, refs, known));
    const { pushes, stdout, stderr } = await pusher.push(url, updates, isAtomic);
    for (const push of pushes) record(push, `${stdout}${stderr}`.replaceAll(/\s*\n/g, ' | '));
  }
}

/** Those that are not what the group agreed on, or where something is left of pushes that are over. */
async function broken(scene: ReplicaScene): Promise<SceneMember[]> {
  const text = (refs: Refs) =>
    [...refs]
      .map((ref) => ref.join(' '))
      .sort()
      .join();
  const meant = text(await scene.state());
  const looked = scene.members.map(async (member) => {
    const [refs, left] = [await scene.refsOf(member), await scene.leftovers(member)];
    return text(refs) === meant && left.length === 0 ? [] : [member];
  });
  return (await Promise.all(looked)).flat();
}

async function fsck(scene: ReplicaScene, { gitDir }: SceneMember): Promise<string> {
  const checked = await scene.sandbox.git(['fsck', '--no-dangling', '--no-progress'], {
    cwd: gitDir,
    expectStatus: null,
  });
  // What a killed push has left behind is no harm; gc takes it away.
  return checked.status === 0 ? '' : checked.stdout + checked.stderr;
}

/**
 * A member takes a push of everything again, within a bound; what did not come through. Which one is drawn: a push asks all of them, and
 * another seed's is of another one.
 */
async function pushAgain(
  random: Random,
  scene: ReplicaScene,
  pushers: readonly Pusher[],
  state: Refs,
): Promise<string[]> {
  const [pusher] = pushers;
  if (pusher === undefined) return [];
  const { id, url } = oneOf(random, scene.members);
  const until = performance.now() + AGAIN_LEASES * scene.leaseMs;
  const to = await pusher.commit(null);
  const updates = REFS.map((ref) => ({ ref, old: state.get(ref) ?? null, new: to }));
  for (;;) {
    const { pushes, stdout, stderr } = await pusher.push(url, updates, true);
    if (pushes.every(({ outcome }) => outcome === 'acknowledged')) return [];
    if (performance.now() > until) return [`${id} takes no push afterwards: ${stdout}${stderr}`];
  }
}

/** Has a group go through what a seed draws, repairs it, and judges what came of it. */
export async function runFaults(
  scene: ReplicaScene,
  pushers: readonly Pusher[],
  seed: number,
): Promise<FaultRun> {
  const random = seededRandom(seed);
  const { members } = scene;
  const began = performance.now();
  const now = () => Math.round(performance.now() - began);
  const history: string[] = [];
  const pushes: RecordedPush[] = [];
  const faults: string[] = [];
  const known = new Known();
  await scene.reset();
  const before = await scene.state();

  const timers: NodeJS.Timeout[] = [];
  const harms = Array.from({ length: 2 + below(random, 4) }, () => drawHarm(random, scene));
  for (const { at, name, begin, lasts, end } of harms) {
    const later = (ms: number, word: string, work: () => void) =>
      timers.push(
        setTimeout(() => {
          history.push(`${now()} ${word}: ${name}`);
          work();
        }, ms),
      );
    later(at, 'begins', begin);
    if (end !== undefined) later(at + lasts, 'ends', end);
  }
  const record = (push: RecordedPush, words: string) => {
    pushes.push(push);
    history.push(
      `${now()} ${describePush({ ...push, start: push.start - began, end: push.end - began })} || ${words}`,
    );
  };
  // Each draws by itself, so that how long another takes changes nothing of what this one does.
  const pushing = pushers.map((pusher, n) =>
    pushSome(seededRandom(seed * 31 + n + 1), pusher, members, known, record).catch((error: Error) => {
      faults.push(`a push has no end: ${error.message}`);
    }),
  );
  await Promise.all(pushing);
  await pause(Math.max(0, ...harms.map(({ at, lasts }) => at + lasts)) - now());
  for (const timer of timers) clearTimeout(timer);
  for (const one of members) {
    one.setFault(null);
    history.push(`harm done at ${one.id}: ${one.faults.done.join(', ') || 'none'}`);
    for (const other of members) if (other !== one) scene.setFault(one.id, other.id, null);
    one.faults.clear();
  }
  const isHook = (line: string) => !line.endsWith(' work');
  const hanging = (await scene.settled(LONGEST_HOOK_LEASES * scene.leaseMs)).filter(isHook);
  for (const line of hanging) faults.push(`hangs: ${line}`);
  history.push(`${now()} all quiet`);
  for (const complaint of await scene.repair(await broken(scene)))
    faults.push(`cannot be repaired: ${complaint}`);
  history.push(`${now()} repaired`);
  for (const line of await scene.settled(30_000)) faults.push(`still at work: ${line}`);

  const refsOf = async (member: SceneMember) => [member.id, await scene.refsOf(member)] as const;
  const complaintOf = async (member: SceneMember) => [member.id, await fsck(scene, member)] as const;
  const judged = {
    before,
    pushes,
    state: await scene.state(),
    members: new Map(await Promise.all(members.map(refsOf))),
    complaints: new Map(await Promise.all(members.map(complaintOf))),
  };
  faults.push(...faultsOf(judged));
  for (const member of members)
    for (const name of await scene.leftovers(member)) faults.push(`left at ${member.id}: ${name}`);
  if (seed % AGAIN_EVERY === 0) faults.push(...(await pushAgain(random, scene, pushers, judged.state)));
  history.push(`${now()} done`);
  for (const [id, refs] of [['state', judged.state] as const, ...judged.members])
    history.push(`${id}: ${[...refs].map(([ref, oid]) => `${ref} ${oid.slice(0, 8)}`).join(', ')}`);
  const count = (outcome: RecordedPush['outcome']) =>
    pushes.filter((push) => push.outcome === outcome).length;
  return {
    faults,
    history,
    acknowledged: count('acknowledged'),
    refused: count('refused'),
    unknown: count('unknown'),
  };
}
