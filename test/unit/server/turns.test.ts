import { describe, expect, test } from 'vitest';
import { Turns } from '../../../src/server/turns.ts';

const never = new AbortController().signal;
const LONG = 60_000;

describe('turns', () => {
  test('are given in order, and handed on', async () => {
    const turns = new Turns(2);
    const [one, two] = [await turns.take(never, LONG), await turns.take(never, LONG)];
    const order: number[] = [];
    const waiting = [3, 4].map(async (number) => {
      const leave = await turns.take(never, LONG);
      order.push(number);
      return leave;
    });
    expect([turns.running, turns.waiting, order]).toEqual([2, 2, []]);
    one?.();
    one?.();
    const three = await waiting[0];
    expect([turns.running, turns.waiting, order]).toEqual([2, 1, [3]]);
    two?.();
    const four = await waiting[1];
    expect(order).toEqual([3, 4]);
    three?.();
    four?.();
    expect([turns.running, turns.waiting]).toEqual([0, 0]);
  });

  test('are given to nobody any more once they are closed', async () => {
    const turns = new Turns(1);
    await turns.take(never, LONG);
    const waiting = [turns.take(never, LONG), turns.take(never, LONG)];
    turns.close();
    expect(await Promise.all([...waiting, turns.take(never, LONG)])).toEqual([null, null, null]);
  });

  test('are not waited for by who has left, or for too long', async () => {
    const turns = new Turns(1);
    const first = await turns.take(never, LONG);
    const left = new AbortController();
    const leaving = turns.take(left.signal, LONG);
    const impatient = turns.take(never, 1);
    left.abort();
    expect([await leaving, await impatient, await turns.take(left.signal, LONG)]).toEqual([null, null, null]);
    expect(turns.waiting).toBe(0);
    first?.();
    expect(turns.running).toBe(0);
  });
});
