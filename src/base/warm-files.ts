/**
 * Which files of a data folder are held open and mapped just because they were used lately: a bounded number, the
 * least recently used one is let go first. What must stay open, such as a segment that is appended to, is not in here.
 *
 *   cold | cold | warm | cold | warm        touch moves a file to the end of the queue, and cools the first one
 */

/** Files that are kept warm at most, and at least where few descriptors are allowed; one for so many descriptors. */
const WARM_FILES_MAX = 256;
const WARM_FILES_MIN = 16;
const DESCRIPTORS_PER_FILE = 8;

/** How many files may be warm where a process may have `descriptors` open: most are left to connections. */
export function warmFilesMax(descriptors: number): number {
  const share = Math.floor(descriptors / DESCRIPTORS_PER_FILE);
  return Math.min(Math.max(share, WARM_FILES_MIN), WARM_FILES_MAX);
}

/** Something that holds descriptors or mappings, and can do without until its next use. */
export interface Coolable {
  cool(): void;
}

export class WarmFiles {
  /** In the order of their last use. */
  private readonly files = new Set<Coolable>();
  private latest: Coolable | undefined;

  constructor(private readonly countMax: number) {}

  get count(): number {
    return this.files.size;
  }

  /** `file` is in use: keeps it warm, and cools whatever has been unused for longest when there are too many. */
  touch(file: Coolable): void {
    if (file === this.latest) return;
    this.latest = file;
    this.files.delete(file);
    this.files.add(file);
    if (this.files.size <= this.countMax) return;
    for (const oldest of this.files) {
      this.files.delete(oldest);
      oldest.cool();
      return;
    }
  }

  /** `file` looks after itself from now on. */
  forget(file: Coolable): void {
    this.files.delete(file);
    if (this.latest === file) this.latest = undefined;
  }
}
