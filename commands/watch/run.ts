import { constants } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import * as Flags from '@oclif/core/flags';
import { interruptible } from '../../src/main/interruptible.ts';
import { keepStandardError } from '../../src/main/keep-standard-error.ts';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { printable } from '../../src/protocol/text.ts';
import { Daemon } from '../../src/sync/daemon.ts';
import { syncOnce } from '../../src/sync/once.ts';
import { type LogLine, writeWatchLog } from '../../src/sync/watch-log.ts';

export default class Run extends WatchCommand {
  static override summary = 'Watch the folders of the list, in the foreground.';
  static override description = [
    'Ends with Ctrl-C, and leaves nothing half done. gam watch start does the same in the background, gam watch install from each login on.',
    'With --once, every folder is committed and exchanged once; the exit code is 1 where something could not be done. That is for cron. ' +
      '--dry-run tells what would be committed and exchanged, and changes nothing.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> watch run',
    '<%= config.bin %> watch run --once --dry-run',
    '*/5 * * * * <%= config.bin %> watch run --once -q',
  ];
  static override flags = {
    once: Flags.boolean({ summary: 'Do all once, and end.' }),
    'dry-run': Flags.boolean({ summary: 'Tell what would be done.', dependsOn: ['once'] }),
    json: Flags.boolean({ summary: 'Print what is done as lines of JSON: time and words.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Run);
    const tellJson = (line: LogLine) => this.say(JSON.stringify(line));
    const tellPlainly = ({ folder, words }: LogLine) =>
      this.remark(printable(folder === null ? words : `${folder}: ${words}`, 2000));
    const tell = flags.json ? tellJson : flags.quiet ? () => undefined : tellPlainly;
    // Somebody who only looked on for a while is no reason to end.
    keepStandardError();
    await interruptible(async (signal) => {
      const options = {
        places: this.places,
        env: this.gitEnv,
        host: this.host,
        pid: process.pid,
        signal,
        tell,
      };
      if (flags.once) {
        const failures = await syncOnce(options, flags['dry-run']);
        if (failures.length === 0 || signal.aborted) return;
        process.exitCode = 1;
        if (flags.quiet && !flags.json) for (const line of failures) this.remark(printable(line, 2000));
        return;
      }
      // undici reads http with a piece of WebAssembly. V8 would optimize that, once a remote was asked some times, for which it takes 36 MB more.
      setFlagsFromString('--liftoff-only');
      const daemon = new Daemon(options);
      const unread = ({ message }: Error) => {
        const line = { time: new Date().toISOString(), folder: null, words: message };
        writeWatchLog(this.places, line);
        tell(line);
      };
      const reload = () => void daemon.reload().catch(unread);
      process.on('SIGHUP', reload);
      try {
        await daemon.run();
      } finally {
        process.off('SIGHUP', reload);
      }
      // Told to end, it has done so; systemd takes another status for a failure.
      if (process.exitCode === 128 + constants.signals.SIGTERM) process.exitCode = 0;
    });
  }
}
