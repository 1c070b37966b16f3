/* The words of a line. Only `content.html` is HTML: the server has made it safe; all else is text. */

import { useLayoutEffect, useRef } from "preact/hooks";

import type { Line } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { shortTime } from "../../text/time.ts";

export function Words({ line }: { line: Line }) {
  const { text = "", html, style = "text" } = line.content;
  if (line.removed) return <div class="content gone">{t("line.removed")}</div>;
  return (
    <div class={`content ${style}${html ? " html" : ""}`}>
      {style === "emote" && <span class="actor">* {line.who.name} </span>}
      {html ? <Html html={html} /> : text}
      {line.edited_at !== undefined && (
        <span class="mark" title={shortTime(line.edited_at)}>
          {" "}
          ({t("line.edited")})
        </span>
      )}
    </div>
  );
}

function Html({ html }: { html: string }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (element.current) tend(element.current);
  }, [html]);
  return <div class="html-body" ref={element} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Links lead out of the page, spoilers open when they are pressed, colours come from data that a style may not hold. */
function tend(element: HTMLElement): void {
  for (const link of element.querySelectorAll<HTMLAnchorElement>("a[href]")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const hidden of element.querySelectorAll<HTMLElement>("[data-mx-spoiler]")) spoil(hidden);
  for (const coloured of element.querySelectorAll<HTMLElement>("[data-mx-color]")) {
    coloured.style.color = coloured.dataset.mxColor ?? "";
  }
}

function spoil(hidden: HTMLElement): void {
  hidden.tabIndex = 0;
  hidden.setAttribute("role", "button");
  hidden.setAttribute("aria-label", hidden.dataset.mxSpoiler || t("line.spoiler"));
  const open = () => {
    hidden.classList.toggle("open");
    if (hidden.classList.contains("open")) hidden.removeAttribute("aria-label");
  };
  hidden.onclick = open;
  hidden.onkeydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  };
}
