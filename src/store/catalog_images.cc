// Images in the catalog. What nobody asks for by itself is one JSON text.
#include <fmt/format.h>

#include "domain/image_json.h"
#include "store/catalog.h"

namespace ebb::store {

namespace {

Result<domain::Image> read_image(const Statement& s) {
  domain::Image image{
      .name = s.text(0), .version = s.integer(1), .digest = {}, .facts = {}, .added = WallTime(milliseconds(s.integer(3))), .source = s.text(4)};
  const Result<domain::Digest> digest = domain::parse_digest(s.text(2));
  if (!digest) return fail(ErrorKind::kCorrupt, fmt::format("the catalog's entry of image '{}' has no valid digest", image.name));
  image.digest = *digest;
  const Result<json::value> value = parse_json(s.text(5));
  Result<domain::ImageFacts> facts = value ? domain::image_facts_from_json(*value, "facts") : fail(value.error());
  if (!facts) return fail(ErrorKind::kCorrupt, fmt::format("the catalog's entry of image '{}' cannot be read: {}", image.name, facts.error().message));
  image.facts = std::move(*facts);
  return image;
}

}  // namespace

Result<std::vector<domain::Image>> Catalog::images() {
  Result<Statement> rows = database_.prepare("SELECT name, version, digest, added_ms, source, facts, checksum FROM images ORDER BY name, version");
  if (!rows) return fail(rows.error());
  return rows->all([](const Statement& row) -> Result<domain::Image> {
    if (Status sound = row.check_row(6); !sound) return fail(sound.error());
    return read_image(row);
  });
}

Status Catalog::put_image(const domain::Image& image) {
  Result<Statement> insert = database_.prepare("INSERT INTO images(name, version, digest, added_ms, source, facts, checksum) VALUES(?,?,?,?,?,?,?)");
  if (!insert) return fail(insert.error());
  insert->bind(1, image.name)
      .bind(2, image.version)
      .bind(3, image.digest.hex())
      .bind(4, int64_t{image.added.time_since_epoch().count()})
      .bind(5, image.source)
      .bind(6, json::serialize(domain::to_json(image.facts)))
      .bind_checksum(7);
  Status inserted = insert->run();
  if (!inserted && inserted.error().kind == ErrorKind::kExists)
    return fail(ErrorKind::kExists, fmt::format("there is an image '{}@{}' already", image.name, image.version), "image");
  return inserted;
}

Status Catalog::delete_image(const std::string& name, int64_t version) {
  Result<Statement> remove = database_.prepare("DELETE FROM images WHERE name = ? AND version = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, name).bind(2, version).run();
}

}  // namespace ebb::store
