/** Reads of log files that the disk answered with an error, since the process started: one number, for the metrics. */
let count = 0;

export const readErrors = {
  get count(): number {
    return count;
  },
  note(): void {
    count++;
  },
};
