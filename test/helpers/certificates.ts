/** Certificates made by openssl for one test file: an authority, a server's for 127.0.0.1, and clients'. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CertificateFiles {
  cert: string;
  key: string;
}

export class Certificates implements Disposable {
  private readonly folder = mkdtempSync(join(tmpdir(), "voik-certificates-"));
  /** Path of the authority's certificate. */
  readonly ca: string;
  readonly server: CertificateFiles;

  constructor() {
    this.ca = this.path("ca.pem");
    this.openssl([
      "req",
      "-x509",
      ...this.newKey("ca"),
      "-out",
      this.ca,
      "-days",
      "2",
      "-subj",
      "/CN=Test CA",
    ]);
    this.server = this.signed("server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1");
  }

  /** A client's, signed by the authority; `subject` as openssl writes it: "/O=Example/CN=ann". */
  client(name: string, subject: string): CertificateFiles {
    return this.signed(name, subject, "extendedKeyUsage=clientAuth");
  }

  text(path: string): string {
    return readFileSync(path, "utf8");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private signed(name: string, subject: string, extension: string): CertificateFiles {
    const [request, extensions] = [this.path(`${name}.csr`), this.path(`${name}.ext`)];
    writeFileSync(extensions, extension);
    this.openssl(["req", ...this.newKey(name), "-out", request, "-subj", subject]);
    const cert = this.path(`${name}.pem`);
    const authority = ["-CA", this.ca, "-CAkey", this.path("ca.key"), "-CAcreateserial", "-days", "2"];
    this.openssl(["x509", "-req", "-in", request, "-out", cert, ...authority, "-extfile", extensions]);
    return { cert, key: this.path(`${name}.key`) };
  }

  private newKey(name: string): string[] {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    return [...curve, "-nodes", "-keyout", this.path(`${name}.key`)];
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private openssl(args: string[]): void {
    const { success, stderr } = Bun.spawnSync(["openssl", ...args], { stdout: "ignore", stderr: "pipe" });
    if (!success) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  }
}
