import { render } from "preact";
import { signal } from "@preact/signals";
import "./style/main.css";
const x = signal(1);
async function go() {
  const strings = (await import("./strings/en.ts")).default;
  render(<p onClick={() => (x.value += 1)}>{strings["site.name"]} {x}</p>, document.body);
}
void go();
