import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { BundleFeed } from '../../../src/remote-helper/bundle-feed.ts';

const folder = mkdtempSync(join(tmpdir(), 'gam-feed-'));
afterAll(() => rmSync(folder, { recursive: true }));

// index-pack was told that its pack was broken, on a busy machine.
test('a file that was moved to its place before it was read is read to its end', async () => {
  const path = join(folder, 'moved');
  writeFileSync(`${path}.part`, 'header and pack');
  const feed = new BundleFeed(`${path}.part`);
  await feed.open();
  renameSync(`${path}.part`, path);
  feed.grown('header and pack'.length);
  feed.end();
  const sink = new PassThrough();
  const [read] = await Promise.all([buffer(sink), feed.pourInto(sink, 'header and '.length)]);
  await feed.close();
  expect(read.toString()).toBe('pack');
});
