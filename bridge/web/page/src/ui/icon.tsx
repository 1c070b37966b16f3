/* Drawings of one line weight; each stands beside words or carries a name for those who do not see it. */

const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-4 3-6 6.500-6s6.500 2 6.500 6M16 4.500a3.500 3.500 0 010 6.500M18.500 14.500c2 .8 3 2.700 3 5.500",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  close: "M6 6l12 12M18 6L6 18",
  back: "M14.500 5l-7 7 7 7",
  down: "M6 9.500l6 6 6-6",
  send: "M4 12l16-8-5 16-3.500-6.500z",
  plus: "M12 5v14M5 12h14",
  compass: "M12 3a9 9 0 100 18 9 9 0 000-18zM15.500 8.500l-2 5-5 2 2-5z",
  message: "M4 5h16v11H9l-5 4z",
  search: "M10.500 4a6.500 6.500 0 100 13 6.500 6.500 0 000-13zM15.500 15.500L20 20",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 016 0v3",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  copy: "M9 9h10v11H9zM5 15V4h10",
  link: "M10 14a4 4 0 005.700 0l3-3a4 4 0 00-5.700-5.700l-1 1M14 10a4 4 0 00-5.700 0l-3 3a4 4 0 005.700 5.700l1-1",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z",
  sending: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4l3 2",
  logged: "M5 13l4 4L19 7",
  delivered: "M2 13l4 4L16 7M11 16l1 1L22 7",
  failed: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v5M12 16v.1",
};

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
