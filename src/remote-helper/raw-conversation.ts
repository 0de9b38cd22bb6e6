import { write } from './flow.ts';
import type { ReopeningLine } from './reopening-line.ts';
import type { GitSide } from './session-events.ts';

/** Passes every byte on, both ways, until canonical's line ends: a conversation in another protocol than v2. */
export async function passRaw(git: GitSide, line: ReopeningLine): Promise<void> {
  passRequests(git, line).catch(() => undefined);
  for (let chunk = await line.chunk(); chunk !== null; chunk = await line.chunk()) {
    await write(git.output, chunk);
  }
}

async function passRequests(git: GitSide, { connection: { input } }: ReopeningLine): Promise<void> {
  for await (const chunk of git.input) await write(input, chunk as Buffer);
  input.end();
}
