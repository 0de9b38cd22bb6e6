import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebTrace } from '../../../src/git/web-trace.ts';

const sent = (header: string) => `10:00:00.000001 http.c:715              => Send header: ${header}\n`;
const came = (header: string) => `10:00:00.000001 http.c:715              <= Recv header: ${header}\n`;

const SAID = [
  sent('CONNECT h.example:443 HTTP/1.1'),
  came('HTTP/1.1 200 Connection established'),
  sent('GET /x/info/refs HTTP/1.1'),
  came('HTTP/1.1 301 Moved Permanently'),
  came('Location: https://h.example/y/info/refs'),
  sent('GET /y/info/refs HTTP/2'),
  'Receiving objects:  10% (1/10)\rReceiving objects: 100% (10/10)\n',
  'remote: <= Recv header: HTTP/1.1 500 from afar\n',
  came('HTTP/2 404'),
  came('location: https://h.example/z'),
  "fatal: repository 'https://h.example/y/' not found\n",
].join('');

test('the last answer of the server counts, in whatever pieces the trace comes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(SAID.length)), (cuts) => {
      let heard = 0;
      const trace = new WebTrace(() => {
        heard += 1;
      });
      const places = [0, ...cuts.sort((a, b) => a - b), SAID.length];
      for (const [index, at] of places.entries()) trace.add(SAID.slice(at, places[index + 1] ?? at));
      expect(heard).toBe(2);
      expect(trace).toMatchObject({ status: 404, location: null });
      expect(trace.words).toBe("fatal: repository 'https://h.example/y/' not found");
    }),
  );
});

test('what a proxy answers to a CONNECT is no word of the server', () => {
  let heard = false;
  const trace = new WebTrace(() => {
    heard = true;
  });
  trace.add(sent('CONNECT h.example:443 HTTP/1.1') + came('HTTP/1.1 403 Forbidden'));
  expect([heard, trace.status]).toEqual([false, null]);
});

test('a redirect tells where to', () => {
  const trace = new WebTrace(() => undefined);
  trace.add(came('HTTP/1.1 302 Found') + came('location:  https://h.example/y/info/refs '));
  expect(trace.location).toBe('https://h.example/y/info/refs');
});

// The log of a cache on a full disk said what fetch-pack makes of an index-pack that is gone, and nothing of a disk.
test('the first of git’s words counts', () => {
  const trace = new WebTrace(() => undefined);
  trace.add('fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output\n');
  expect(trace.words).toBe('fatal: write error: No space left on device');
});
