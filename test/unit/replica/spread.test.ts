import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Lease } from '../../../src/replica/coordinator.ts';
import type { Member } from '../../../src/replica/group.ts';
import { placesOf } from '../../../src/replica/places.ts';
import { queuedNotes } from '../../../src/replica/queue.ts';
import type { Replica } from '../../../src/replica/replica.ts';
import type { Answer } from '../../../src/replica/request.ts';
import { spread } from '../../../src/replica/spread.ts';

let gitDir: string;

beforeEach(() => {
  gitDir = mkdtempSync(join(tmpdir(), 'gam-spread-'));
});

afterEach(() => rmSync(gitDir, { recursive: true }));

const member = (id: string, role: Member['role']): Member => ({ id, role, url: `/${id}.git` });
const [eu, us, ap, co] = [
  member('eu', 'primary'),
  member('us', 'primary'),
  member('ap', 'primary'),
  member('co', 'follower'),
] as const;
const lease = { release: async () => undefined } as Partial<Lease> as Lease;

// Notes of each of fifty pushes at once had a worker started by every other one that ended meanwhile, and the members asked for all they had.
test('a primary that is being moved is noted only when that has failed', async () => {
  const places = placesOf(gitDir);
  const noted = () => [...queuedNotes(places.queue).keys()].sort();
  const answers: Record<string, Answer> = {
    us: { kind: 'done' },
    ap: { kind: 'failed', words: 'packed-refs is locked' },
  };
  const meanwhile: string[][] = [];
  const line = ({ id }: Member) => ({
    ask: async () => {
      meanwhile.push(noted());
      return answers[id] as Answer;
    },
    idle: async () => undefined,
  });
  const replica = { group: { members: [eu, us, ap, co] }, self: eu, gitDir, places, line };
  const told: string[] = [];
  await spread(replica as unknown as Replica, {
    transaction: 'eu-1',
    done: [{ ref: 'refs/heads/main', old: null, new: 'a'.repeat(40) }],
    taken: [us, ap],
    at: [],
    lease,
    tell: (text) => told.push(text),
  });
  expect(meanwhile[0]).toEqual(['co']);
  expect(noted()).toEqual(['ap', 'co']);
  expect(told).toEqual(['replicated to 1 of 2, the others follow']);
});
