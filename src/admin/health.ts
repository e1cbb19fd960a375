/**
 * Whether voik is ready for work. Alive is another matter: a process that answers at all is alive, so /livez
 * depends on nothing, least of all on the disk.
 */

export type Phase = "starting" | "ready" | "stopping" | "failed";

export class Health {
  phase: Phase = "starting";

  get ready(): boolean {
    return this.phase === "ready";
  }
}
