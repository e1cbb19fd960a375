/** What is found wrong with a log on the disk, and how it is told to a person. */

/** Bytes of a log file where no batch lies that belongs there, and the offsets that are lost with them. */
export interface DamagedRange {
  path: string;
  position: number;
  /** 0 where whole batches are missing. */
  bytes: number;
  offset: number;
  /** Behind the last lost offset; undefined where nothing follows that could tell. */
  endOffset: number | undefined;
}

/** Something worth knowing that costs no record. */
export interface Note {
  path: string;
  message: string;
}

/** What a damaged range of a file means to a person. */
export function describeDamage({ position, bytes, offset, endOffset }: DamagedRange): string {
  const lost =
    endOffset === undefined
      ? `records from offset ${offset} on are lost`
      : endOffset === offset
        ? "no record is lost"
        : `offsets ${offset}..${endOffset - 1} are lost`;
  return bytes === 0
    ? `record batches are missing at byte ${position}: ${lost}`
    : `${bytes} damaged bytes from byte ${position} on: ${lost}`;
}
