import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { placesOf } from './places.ts';

/** Notes that a member is to catch up with its group; its worker does it (worker.ts). */
export function wakeHere(gitDir: string): void {
  const { wake } = placesOf(gitDir);
  mkdirSync(dirname(wake), { recursive: true });
  writeFileSync(wake, '');
}
