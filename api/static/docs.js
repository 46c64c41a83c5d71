"use strict";
// Shows /openapi.json: operations by chapter, their parameters and the fields of their answers. Text from the description
// is only ever set as text, so nothing in it can become markup.

const METHODS = ["get", "post", "delete"];

function make(tag, properties, ...children) {
  const { class: names, ...rest } = properties || {};
  const node = Object.assign(document.createElement(tag), rest);
  if (names) node.className = names;
  node.append(...children.filter((child) => child !== null));
  return node;
}

// `code` between backquotes becomes <code>, everything else is text.
function prose(text) {
  const node = make("span");
  (text || "").split("`").forEach((part, index) => node.append(index % 2 ? make("code", {}, part) : part));
  return node;
}

function typeOf(schema) {
  const types = [].concat(schema.type || "any");
  const main = types[0];
  let words = main;
  if (schema.enum) words = schema.enum.join(" | ");
  else if (main === "array") words = "list of " + typeOf(schema.items || {});
  else if (schema.contentMediaType) words = "JSON text";
  else if (schema.format === "date-time") words = "date-time";
  else if (schema.format === "uri") words = "URL";
  else if (/^\^[A-Z]{2}\[/.test(schema.pattern || "")) words = "SID " + schema.pattern.slice(1, 3) + "…";
  const low = schema.minimum ?? schema.minLength ?? schema.minItems;
  const high = schema.maximum ?? schema.maxLength ?? schema.maxItems;
  const unit = main === "string" ? " characters" : main === "array" ? " of them" : "";
  if (low !== undefined && high !== undefined) words += `, ${low} to ${high.toLocaleString("en")}${unit}`;
  else if (high !== undefined) words += `, at most ${high.toLocaleString("en")}${unit}`;
  else if (low) words += `, at least ${low}${unit}`;
  return types.includes("null") ? words + " or null" : words;
}

function table(head, rows) {
  return make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", {}, text)))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))));
}

function parameterRow(name, place, schema, required, description) {
  const first = make("span", {}, make("code", {}, name), " ",
    required ? make("span", { class: "required" }, "required") : null);
  const second = make("span", { class: "type" }, `${typeOf(schema)} (${place})`);
  const third = prose(description);
  if (schema.default !== undefined) third.append(" Default: ", make("code", {}, String(schema.default)));
  return [first, second, third];
}

function fieldRows(schema, prefix) {
  return Object.entries(schema.properties || {}).flatMap(([name, field]) => {
    const shown = prefix + name;
    const own = [make("code", {}, shown), make("span", { class: "type" }, typeOf(field)), prose(field.description)];
    const inside = field.type === "array" ? field.items : field;
    const dotted = shown + (field.type === "array" ? "[]." : ".");
    const nested = inside && inside.properties ? fieldRows(inside, dotted) : [];
    return [own, ...nested];
  });
}

class Description {
  constructor(spec) { this.spec = spec; }

  resolve(node) {
    if (!node || !node.$ref) return node || {};
    return this.resolve(node.$ref.slice(2).split("/").reduce((found, key) => found[key], this.spec));
  }

  *operations(tag) {
    for (const [path, methods] of Object.entries(this.spec.paths)) {
      for (const method of METHODS) {
        const operation = methods[method];
        if (operation && operation.tags[0] === tag) yield { path, method: method.toUpperCase(), ...operation };
      }
    }
  }

  parameters(operation) {
    const rows = (operation.parameters || []).map((one) => this.resolve(one))
      .map((one) => parameterRow(one.name, one.in, one.schema, one.required, one.description));
    const kinds = Object.entries(operation.requestBody ? operation.requestBody.content : {});
    const schema = kinds.length ? this.resolve(kinds[0][1].schema) : {};
    const place = kinds.length && kinds[0][0].endsWith("json") ? "JSON body" : "form";
    for (const [name, one] of Object.entries(schema.properties || {})) {
      rows.push(parameterRow(name, place, one, (schema.required || []).includes(name), one.description));
    }
    return rows;
  }

  answer(operation) {
    const [status, response] = Object.entries(operation.responses).find(([code]) => code < "300");
    const content = this.resolve(response).content || {};
    const schema = this.resolve((content["application/json"] || {}).schema);
    const rows = Object.entries(schema.properties || {}).find(([, one]) => one.type === "array" && schema.properties.meta);
    const row = rows ? this.resolve(rows[1].items) : schema;
    return { status, key: rows ? rows[0] : "", rows: fieldRows(row, "") };
  }
}

function showOperation(description, operation) {
  const parameters = description.parameters(operation);
  const answer = description.answer(operation);
  const errors = Object.keys(operation.responses).filter((code) => code >= "400").join(", ");
  const inside = make("div", { class: "inside" });
  if (operation.description) inside.append(make("p", {}, prose(operation.description)));
  if (parameters.length) inside.append(make("h3", {}, "Parameters"), table(["Name", "Type", "Meaning"], parameters));
  inside.append(make("h3", {}, `Answer: ${answer.status}`));
  if (answer.key) inside.append(make("p", {}, "A page of rows under ", make("code", {}, answer.key), ", with ", make("code", {}, "meta"), "."));
  if (answer.rows.length) {
    inside.append(make("details", { class: "fields" }, make("summary", {}, "Fields"),
      table(["Name", "Type", "Meaning"], answer.rows)));
  } else if (answer.status === "204") inside.append(make("p", {}, "No body."));
  inside.append(make("p", { class: "about" }, `Errors: ${errors}.`));
  const node = make("details", { class: "operation", id: operation.operationId },
    make("summary", {},
      make("span", { class: "method " + operation.method }, operation.method),
      make("span", { class: "path" }, operation.path),
      make("span", { class: "summary" }, `${operation.operationId}: ${operation.summary}`)),
    inside);
  const text = inside.textContent + operation.path + operation.operationId + operation.summary + operation.method;
  return { node, text: text.toLowerCase(), name: operation.operationId };
}

function show(spec) {
  const description = new Description(spec);
  const main = document.getElementById("main");
  const contents = document.getElementById("contents");
  main.replaceChildren(make("p", { class: "intro" }, prose(spec.info.description)),
    make("p", {}, make("a", { href: "/openapi.json" }, "/openapi.json"), " is the same for programs."));
  const sections = spec.tags.map((tag) => {
    const operations = [...description.operations(tag.name)].map((one) => showOperation(description, one));
    const node = make("section", {}, make("h2", {}, tag.name), make("p", { class: "about" }, prose(tag.description)),
      ...operations.map((one) => one.node));
    const links = operations.map((one) => make("a", { href: "#" + one.name }, one.name));
    const chapter = make("div", {}, make("h2", {}, tag.name), ...links);
    main.append(node);
    contents.append(chapter);
    return { node, chapter, operations, links };
  });
  return sections;
}

function search(sections, asked) {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  let all = 0;
  for (const section of sections) {
    let some = false;
    section.operations.forEach((one, index) => {
      const found = words.every((word) => one.text.includes(word));
      one.node.hidden = section.links[index].hidden = !found;
      some = some || found;
      shown += found;
      all += 1;
    });
    section.node.hidden = section.chapter.hidden = !some;
  }
  document.getElementById("count").textContent = shown === all ? `${all} operations` : `${shown} of ${all}`;
}

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && named.tagName === "DETAILS") {
    named.open = true;
    named.scrollIntoView();
  }
}

async function start() {
  const main = document.getElementById("main");
  try {
    const response = await fetch("/openapi.json");
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const sections = show(await response.json());
    const box = document.getElementById("search");
    box.addEventListener("input", () => search(sections, box.value));
    search(sections, "");
    window.addEventListener("hashchange", openNamed);
    openNamed();
  } catch (error) {
    main.replaceChildren(make("p", {}, `The description at /openapi.json could not be read: ${error.message}`));
  }
}

start();
