import type { Readable, Writable } from 'node:stream';
import type { Advertisement } from '../protocol/advertisement.ts';
import { parseHelperCommand } from '../protocol/helper-lines.ts';
import { markUnlisted } from '../state/unlisted.ts';
import { webLine } from '../transport/canonical-line.ts';
import type { Connection } from '../transport/connection.ts';
import type { Said } from '../transport/lead-in.ts';
import type { WebHelper } from '../transport/web.ts';
import { beginCutRoute } from './begin-route.ts';
import { withoutCanonical } from './canonical-down.ts';
import { type HelperContext, noteOption } from './context.ts';
import { deferredLine } from './deferred-line.ts';
import { readLine, write } from './flow.ts';
import { beginHeadStart, type HeadStart } from './head-start.ts';
import { greetingFor } from './lazy.ts';
import { keptLine, keptStatus, splitPushBatch } from './push-filter.ts';

/** A line to canonical's upload-pack, and what mirrors have begun. */
export interface Connected {
  canonical: Connection;
  headStart: HeadStart;
}

/**
 * Passes commands and answers on, until git has connected to an upload-pack, and mirrors have been given a
 * head start, or until it does something that they have no part in (null).
 *
 * @param said what the launcher has passed on already; null where it has not begun
 */
export async function passCommands(
  context: HelperContext,
  web: WebHelper,
  said: Said | null,
): Promise<Connected | null> {
  const { lines, reply } = context;
  const { input, output } = web;
  if (said !== null) {
    const { answer, connected } = await takeUp(context, said, web);
    if (connected) return connected;
    if (answer === null) return null;
    if (!said.whole) {
      input.end();
      return null;
    }
    if (said.asked !== null) lines.unread(said.asked);
  }
  for (let line = lines.next(); line !== null; line = lines.next()) {
    if (line.startsWith('push ')) {
      if (!(await passPushBatch(context, line, input, output))) break;
      continue;
    }
    const command = parseHelperCommand(line);
    const uploads = command.kind === 'connect' && command.service === 'git-upload-pack';
    const lately = uploads && command.stateless ? greetingFor(context) : null;
    if (lately !== null) return defer(context, lately, web);
    await write(input, Buffer.from(`${line}\n`));
    if (command.kind === 'option') noteOption(context, command.name, command.value);
    if (uploads) {
      const { answer, connected } = await passConnect(context, web, performance.now());
      if (connected) return connected;
      if (answer === null) break;
      continue;
    }
    const many = command.kind === 'capabilities' || line.startsWith('list');
    if (command.kind === 'end' || (command.kind === 'other' && !many)) break;
    const answer = many ? await passLines(context, output) : await readLine(output);
    if (answer === null) break;
    reply(`${answer}\n`);
    if (command.kind === 'connect' && answer === '') break;
  }
  await write(input, lines.rest);
  return null;
}

/** Takes in what was said before this program was there, and the answer to a `stateless-connect` among it. */
async function takeUp(context: HelperContext, { passed, at }: Said, web: WebHelper): Promise<Connect> {
  for (const line of passed) {
    const command = parseHelperCommand(line);
    if (command.kind === 'option') noteOption(context, command.name, command.value);
    if (command.kind === 'connect')
      return passConnect(context, web, at === null ? performance.now() : at - performance.timeOrigin);
  }
  return { answer: '', connected: null };
}

/** What came of a `stateless-connect`. */
interface Connect {
  /** Null when the line broke off. */
  answer: string | null;
  connected: Connected | null;
}

/**
 * Passes the answer to a `stateless-connect` on; mirrors are at work when it is a yes.
 *
 * @param asked when git had the line opened, on performance.now()'s clock
 */
async function passConnect(context: HelperContext, web: WebHelper, asked: number): Promise<Connect> {
  const { output, exit } = web;
  context.asked = asked;
  const headStart = beginHeadStart(context);
  context.ahead ??= await beginCutRoute(context);
  let answer: string | null = null;
  try {
    answer = await readLine(output);
    if (answer === '') context.reply('\n');
    // git's helper has died, and has said why.
    if (answer === null) await withoutCanonical(context, headStart, exit);
  } finally {
    if (answer !== '') await headStart.abandon();
  }
  if (answer) context.reply(`${answer}\n`);
  // An older protocol, in which there are no lists.
  if (answer === 'fallback' && context.mayList) markUnlisted(context.canonicalUrl, context.process.env);
  return { answer, connected: answer === '' ? { canonical: webLine(web), headStart } : null };
}

/** Lets git go on without canonical, which is asked when it is needed. */
function defer(context: HelperContext, lately: Advertisement, web: WebHelper): Connected {
  const { trace, reply } = context;
  trace('canonical-deferred');
  context.deferred = true;
  reply('\n');
  const canonical = deferredLine(lately, web, () => trace('canonical-needed'));
  return { canonical, headStart: beginHeadStart(context) };
}

/** Passes lines of an answer on up to the blank one that ends it, which is returned; null when it breaks off. */
async function passLines({ reply }: HelperContext, output: Readable): Promise<string | null> {
  const lines: string[] = [];
  for (;;) {
    const line = await readLine(output);
    if (line === null || line === '') {
      reply(lines.map((passed) => `${passed}\n`).join(''));
      return line;
    }
    lines.push(line);
  }
}

/** Passes a batch of `push` lines on, less what must stay here; false when the helper hung up. */
async function passPushBatch(
  context: HelperContext,
  first: string,
  input: Writable,
  output: Readable,
): Promise<boolean> {
  const batch = [first];
  for (let line = context.lines.next(); line !== null && line !== ''; line = context.lines.next())
    batch.push(line);
  const { lines, kept } = splitPushBatch(batch);
  if (kept.length > 0) context.report.line(keptLine(kept.length));
  let end: string | null = '';
  if (lines.length > 0) {
    await write(input, Buffer.from(`${lines.join('\n')}\n\n`));
    end = await passLines(context, output);
  }
  if (end === null) return false;
  context.reply(`${kept.map(keptStatus).join('')}\n`);
  return true;
}
