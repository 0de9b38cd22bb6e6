import { GamError } from '../errors.ts';
import { startProcess } from '../git/process.ts';
import { parseHelperCommand } from '../protocol/helper-lines.ts';
import { openCanonical } from '../transport/canonical-line.ts';
import { connectFailure } from '../transport/connect-failure.ts';
import type { Connection, Opening } from '../transport/connection.ts';
import { localService } from '../transport/local.ts';
import { protocolVersion } from '../transport/protocol-version.ts';
import { sshService } from '../transport/ssh.ts';
import { withoutCanonical } from './canonical-down.ts';
import { type HelperContext, noteOption } from './context.ts';
import { write } from './flow.ts';
import { beginHeadStart } from './head-start.ts';
import { keptLine, PushFilter } from './push-filter.ts';
import { runUploadPack } from './upload-pack.ts';

/** The status with which git dies. */
const DEAD = 128;

/**
 * The conversation with git for canonical servers that are reached by ssh, git://, file:// or a path: offers
 * `connect` and opens the service as git would have (gitremote-helpers(7), "connect").
 */
export async function converseByConnect(context: HelperContext): Promise<number> {
  const { lines, reply } = context;
  const options = new Map<string, string>();
  for (;;) {
    const line = lines.next();
    if (line === null) return 0;
    const command = parseHelperCommand(line);
    switch (command.kind) {
      case 'end':
        return 0;
      case 'capabilities':
        reply('option\nconnect\n\n');
        break;
      case 'option':
        noteOption(context, command.name, command.value);
        options.set(command.name, command.value);
        reply(
          ['verbosity', 'progress', 'family', 'servpath'].includes(command.name) ? 'ok\n' : 'unsupported\n',
        );
        break;
      case 'connect':
        return connect(context, command.service, options);
      case 'other':
        throw new GamError('usage', `git asked for '${command.line}', which was not offered`);
    }
  }
}

async function connect(
  context: HelperContext,
  service: string,
  options: ReadonlyMap<string, string>,
): Promise<number> {
  const { process: own, entries, mirrors, trace } = context;
  const opening: Opening = {
    service: options.get('servpath') ?? service,
    version: protocolVersion(entries, own.env, service),
    family: options.get('family'),
    entries,
    env: own.env,
    stderr: 'inherit',
  };
  trace('connect', { service, version: opening.version });
  // git's own service on this machine has no list.
  if (context.canonical.kind === 'file' && opening.service === service) context.mayList = false;
  const fit = service === 'git-upload-pack' && opening.version === 2;
  if (!fit || (mirrors.length === 0 && !context.mayList)) return passThrough(context, opening);
  context.asked = performance.now();
  const headStart = beginHeadStart(context);
  try {
    const line = await openFirst(context, opening);
    if (line === null) {
      await withoutCanonical(context, headStart, null);
      return DEAD;
    }
    context.reply('\n');
    return await runUploadPack(context, line, () => openCanonical(context.canonical, opening), headStart);
  } finally {
    await headStart.abandon();
  }
}

/** Opens canonical's line; null where nobody answers, of which the user has been told as by git. */
async function openFirst(context: HelperContext, opening: Opening): Promise<Connection | null> {
  const { canonical, report } = context;
  try {
    return await openCanonical(canonical, opening);
  } catch (error) {
    if (!(error instanceof GamError && error.code === 'canonical-down') || canonical.kind !== 'git')
      throw error;
    report.fatal(connectFailure(canonical, error.cause));
    return null;
  }
}

// Where no mirror comes in, the service gets git's own pipes, and nothing is copied.
async function passThrough(context: HelperContext, opening: Opening): Promise<number> {
  const { canonical } = context;
  const filter = opening.service === 'git-receive-pack' && context.staged ? new PushFilter() : null;
  if (filter === null && (canonical.kind === 'ssh' || canonical.kind === 'file')) {
    const { words, env } =
      canonical.kind === 'ssh' ? await sshService(canonical, opening) : localService(canonical, opening);
    const [command, ...args] = words;
    context.reply('\n');
    const { exit } = startProcess(command, args, { env, stdio: 'inherit' });
    const { status } = await exit;
    return status ?? 128;
  }
  const line = await openFirst(context, opening);
  if (line === null) return DEAD;
  context.reply('\n');
  const git = context.process.streams();
  const up = pump(git.input, line, (chunk) => filter?.request(chunk) ?? chunk);
  up.catch(() => line.close());
  try {
    for await (const chunk of line.output) {
      await write(git.output, filter?.answer(chunk as Buffer) ?? (chunk as Buffer));
    }
  } catch {
    // A line that is reset ends there; whether that was too early, git knows.
  }
  if (filter !== null && filter.kept.length > 0) {
    const report = filter.ownReport();
    if (report) {
      // git reads the report only when it has written all of its pack.
      await write(git.output, report);
      await up;
    }
    context.report.line(keptLine(filter.kept.length));
  }
  const { status } = await line.exit;
  return status ?? 128;
}

async function pump(
  input: NodeJS.ReadableStream,
  line: Connection,
  pass: (chunk: Buffer) => Buffer,
): Promise<void> {
  for await (const chunk of input) await write(line.input, pass(chunk as Buffer));
  line.input.end();
}
