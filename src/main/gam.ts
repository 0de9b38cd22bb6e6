import { FAILED, tellFailure } from './failure.ts';
import { VERSION } from './version.ts';

// A reader that has seen enough (`gam mirrors list | head -1`) is no failure.
function letReaderLeave(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : FAILED);
  });
}

async function main(argv: readonly string[]): Promise<void> {
  const [first, ...rest] = argv;
  // Each client that connects over ssh waits for it, and nothing of oclif is needed: the words are git's.
  if (first === 'upload-pack' && !rest.includes('--help')) {
    const { uploadPackHere } = await import('./upload-pack.ts');
    return uploadPackHere(rest);
  }
  letReaderLeave();
  // Answered before oclif loads, which alone takes longer than node itself.
  if (first === '--version' || first === '-V' || first === 'version') {
    process.stdout.write(`gam ${VERSION}\n`);
    return;
  }
  const { dispatch } = await import('./dispatch.ts');
  // `gam help sweep`, as git has it.
  await dispatch(first === 'help' ? [...rest, '--help'] : [...argv]);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { lines, status } = tellFailure(error);
  for (const line of lines) process.stderr.write(`gam: ${line}\n`);
  process.exitCode = status;
});
