import { hostname } from 'node:os';
import { type WatchPlaces, watchPlaces } from '../sync/places.ts';
import { readWatchStatus } from '../sync/status-file.ts';
import { GamCommand } from './command.ts';
import { withOwnPrograms } from './own-programs.ts';

/** What the commands of watched folders share. */
export abstract class WatchCommand extends GamCommand {
  /** For the gits of watched folders. */
  protected readonly gitEnv = withOwnPrograms(this.env, process.argv[1] ?? '', process.execPath);

  protected get places(): WatchPlaces {
    return watchPlaces(this.env);
  }

  /** The name of this machine, as commits tell it. */
  protected get host(): string {
    return hostname().split('.')[0] || 'localhost';
  }

  /** Has the process that watches read the list anew. @returns whether there is one */
  protected async tellWatcher(): Promise<boolean> {
    const status = await readWatchStatus(this.places);
    if (status === null) return false;
    try {
      process.kill(status.pid, 'SIGHUP');
      return true;
    } catch {
      return false;
    }
  }
}
