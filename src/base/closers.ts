/** What has to be undone when a process stops, or fails to start: the last thing done first. */

type Close = () => void | Promise<void>;

export class Closers {
  private readonly closers: Close[] = [];

  /** Remembers what undoes the step that was just done. */
  add(close: Close): void {
    this.closers.push(close);
  }

  /** Closes the last opened first; goes on after a failure and throws the first one at the end. May be called again. */
  async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
