import { seconds } from './figures.ts';

const REDRAW_MS = 100;
const WIDTH = 44;

/** Where the demo writes: plain lines, and on a terminal a line that moves while something is under way. */
export class Screen {
  private readonly out: NodeJS.WriteStream;
  private timer: NodeJS.Timeout | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.out = out;
  }

  print(...lines: readonly string[]): void {
    for (const line of lines) this.out.write(`${line}\n`);
  }

  /**
   * Shows a step while it runs, and how long it took.
   *
   * @param status what to say beside the time while it runs
   */
  async step<T>(title: string, work: () => Promise<T>, status: () => string = () => ''): Promise<T> {
    const start = performance.now();
    const line = (rest: string) => `  ${title.padEnd(WIDTH)}${rest}`.trimEnd();
    const elapsed = () => seconds(performance.now() - start).padStart(7);
    if (this.out.isTTY) {
      const draw = () => this.out.write(`\r\u001b[K${line(`${elapsed()}  ${status()}`)}`);
      draw();
      this.timer = setInterval(draw, REDRAW_MS);
    }
    try {
      const result = await work();
      this.clear();
      this.print(line(elapsed()));
      return result;
    } finally {
      this.clear();
    }
  }

  /** Takes a line that moves off the screen. */
  clear(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.out.write('\r\u001b[K');
  }
}
