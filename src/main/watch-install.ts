import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crontabLine, systemdUnit, type WatchProgram } from '../sync/units.ts';

/** There where systemd runs (sd_booted(3)). */
export const SYSTEMD = '/run/systemd/system';
/** How the unit is called. */
export const UNIT = 'gam-watch.service';

/** Where something is installed, and what it is to find there. */
export interface InstallPlaces {
  /** What is there where systemd runs. */
  systemd: string;
  /** The user's folder of configurations. */
  config: string;
  /** As in the environment. */
  path: string;
}

/**
 * Writes a unit for the user's own systemd where that runs.
 * @returns the unit's file; or else a line for crontab -e, which nobody but the user puts in its place
 */
export async function installWatch(
  program: WatchProgram,
  { systemd, config, path }: InstallPlaces,
): Promise<{ unit: string } | { cron: string }> {
  if (!existsSync(systemd)) return { cron: crontabLine(program) };
  const unit = join(config, 'systemd/user', UNIT);
  await mkdir(dirname(unit), { recursive: true });
  await writeFile(unit, systemdUnit(program, path));
  return { unit };
}
