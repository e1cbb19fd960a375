/** `voik version`: voik's version and the runtime and platform that it was built for. */
import { VERSION } from "../base/version.ts";
import { command } from "./command.ts";

export default command({
  name: "version",
  description: "Print the version",
  args: {},
  async run() {
    console.log(`voik ${VERSION} (bun ${Bun.version}, ${process.platform}-${process.arch})`);
  },
});
