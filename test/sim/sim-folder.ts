/**
 * One folder of the simulated disk: names as every process sees them, and names as they are on the device. Making,
 * renaming and removing reach the device when the folder is synced, or earlier, each on its own and in any order;
 * a rename is atomic. Syncing a file does not sync its name.
 */
import { SimInode } from "./sim-inode.ts";
import type { CrashMode } from "./sim-inode.ts";
import type { SimRandom } from "./sim-random.ts";

export type SimNode = SimInode | SimFolder;

/** Made: no `from`. Removed: no `to`. Renamed: both. */
interface FolderChange {
  node: SimNode;
  from: string | undefined;
  to: string | undefined;
}

export class SimFolder {
  entries = new Map<string, SimNode>();
  private durable = new Map<string, SimNode>();
  private changes: FolderChange[] = [];
  private dealtWith = 0;

  make(name: string, node: SimNode): void {
    this.change({ node, from: undefined, to: name });
  }

  rename(node: SimNode, from: string, to: string): void {
    this.change({ node, from, to });
  }

  remove(node: SimNode, name: string): void {
    this.change({ node, from: name, to: undefined });
  }

  durableEntries(): ReadonlyMap<string, SimNode> {
    return this.durable;
  }

  beginSync(): number {
    return this.dealtWith + this.changes.length;
  }

  endSync(moment: number): void {
    const covered = this.changes.splice(0, Math.max(0, moment - this.dealtWith));
    this.dealtWith += covered.length;
    for (const change of covered) apply(this.durable, change);
  }

  /** The names that the device might hold if the power went now. */
  leftByPowerCut(random: SimRandom, mode: CrashMode): Map<string, SimNode> {
    const left = new Map(this.durable);
    const kept = mode === "moment" ? random.below(this.changes.length + 1) : this.changes.length;
    for (const change of this.changes.slice(0, kept)) {
      if (mode === "none" || (mode === "mixed" && random.oneIn(2))) continue;
      apply(left, change);
    }
    return left;
  }

  /** The power goes, here and in everything below. */
  powerCut(random: SimRandom, mode: CrashMode): void {
    this.durable = this.leftByPowerCut(random, mode);
    this.dealtWith += this.changes.length;
    this.changes = [];
    this.entries = new Map(this.durable);
    for (const node of this.entries.values()) node.powerCut(random, mode);
  }

  unmap(): void {
    for (const node of this.entries.values()) node.unmap();
  }

  private change(change: FolderChange): void {
    apply(this.entries, change);
    this.changes.push(change);
  }
}

/** Does nothing when what the change starts from is not there: an earlier change was lost. */
function apply(entries: Map<string, SimNode>, { node, from, to }: FolderChange): void {
  if (from !== undefined) {
    if (entries.get(from) !== node) return;
    entries.delete(from);
  }
  if (to !== undefined) entries.set(to, node);
}
