import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../src/transport/connection.ts';
import { ReadyLine } from '../../../src/transport/ready-line.ts';

function connection(close = () => undefined): Connection {
  const exit = Promise.resolve({ status: 0, signal: null });
  const [output, input] = [new PassThrough(), new PassThrough()];
  return { output, input, stateless: true, exit, stderr: null, close, leave: null };
}

const never = new AbortController().signal;

test('it is handed over once, and for its own mirror only', () => {
  const ready = new ReadyLine(never);
  const made = connection();
  ready.begin('http://a/', () => made);
  expect(ready.take('http://b/', never)).toBeNull();
  expect(ready.take('http://a/', never)).toBe(made);
  expect(ready.take('http://a/', never)).toBeNull();
});

test('one is started, not two', () => {
  const ready = new ReadyLine(never);
  const second = vi.fn(() => connection());
  ready.begin('http://a/', () => connection());
  ready.begin('http://b/', second);
  expect(second).not.toHaveBeenCalled();
});

test('whoever has taken it ends it', () => {
  const ready = new ReadyLine(never);
  const close = vi.fn();
  const drop = new AbortController();
  ready.begin('http://a/', () => connection(close));
  ready.take('http://a/', drop.signal);
  expect(close).not.toHaveBeenCalled();
  drop.abort();
  expect(close).toHaveBeenCalledOnce();
});

test('one that was needless ends by itself; one that was taken is not touched', () => {
  const ready = new ReadyLine(never);
  const [needless, taken] = [connection(), connection()];
  ready.begin('http://a/', () => needless);
  ready.leave();
  expect(needless.input.writableEnded).toBe(true);
  expect(ready.take('http://a/', never)).toBeNull();
  ready.begin('http://a/', () => taken);
  ready.take('http://a/', never);
  ready.leave();
  expect(taken.input.writableEnded).toBe(false);
});
