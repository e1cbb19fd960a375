/**
 * The process's entry: hands the command line to the CLI and leaves with the code that it answers. What nobody catches is
 * a bug, a broken invariant perhaps, and ends the process: this file waits for as long as voik serves, and while it does
 * Bun would print the error and go on.
 */
import { endOnBugs } from "./cli/exit.ts";
import { runCli } from "./cli/run.ts";

endOnBugs();
process.exit(await runCli(process.argv.slice(2)));
