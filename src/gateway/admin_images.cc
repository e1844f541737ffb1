// /ebb/v1/images: what is stored, adding with progress, removing. /ebb/v1/registries: logins, whose passwords only come in.
#include <fmt/format.h>

#include "gateway/addition.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/image_admin_json.h"

namespace ebb::gateway {

namespace {

std::string line(const json::value& value) { return json::serialize(value) + "\n"; }

// Values with braces are made outside coroutines: see errors.h.
json::value added(const domain::Image& image) { return json::object{{"image", wire::to_json(image)}}; }
std::string image_line(const domain::Image& image) { return line(wire::to_json(image)); }
std::string removed_line(std::string_view kind, const std::string& what) { return line(json::object{{kind, what}, {"removed", true}}); }
std::string login_line(const wire::LoginRow& row) { return line(wire::to_json(row)); }

template <class Row>
std::string list_of(std::string_view key, const std::vector<Row>& all) {
  json::array rows;
  for (const Row& one : all)
    rows.push_back(wire::to_json(one));
  return line(json::object{{key, std::move(rows)}});
}

io::Task<Result<json::value>> add_with(ImageAdmin& images, wire::AddImage request, std::shared_ptr<AddProgress> progress) {
  Result<domain::Image> image = co_await images.add(std::move(request), std::move(progress));
  if (!image) co_return fail(image.error());
  co_return added(*image);
}

Result<wire::AddImage> add_request(const Request& request) {
  const Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  return wire::add_image_from_json(*body);
}

Result<domain::Image> find(const ImageAdmin& images, const std::string& text) {
  const Result<domain::ImageRef> ref = domain::parse_image_ref(text);
  if (!ref) return fail(ref.error());
  return images.resolve(*ref);
}

Status remove(ImageAdmin& images, const std::string& text) {
  const Result<domain::ImageRef> ref = domain::parse_image_ref(text);
  if (!ref) return fail(ref.error());
  return images.remove(*ref);
}

Result<wire::LoginRow> put(ImageAdmin& images, const Request& request) {
  const Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  Result<wire::PutLogin> login = wire::put_login_from_json(*body);
  if (!login) return fail(login.error());
  return images.log_in(request.param("host"), std::move(*login));
}

io::Task<void> answer(Exchange& exchange, Status done, std::string text) {
  if (!done) {
    co_await exchange.fail(done.error());
    co_return;
  }
  Response response = json_response(std::move(text));
  co_await exchange.respond(std::move(response));
}

Status outcome_of(const Result<domain::Image>& image) { return image ? Status() : fail(image.error()); }
Status outcome_of(const Result<wire::LoginRow>& row) { return row ? Status() : fail(row.error()); }

}  // namespace

io::Task<void> list_images(Services& services, Exchange& exchange) {
  std::string text = list_of("images", services.images.list());
  co_await answer(exchange, Status(), std::move(text));
}

io::Task<void> get_image(Services& services, Exchange& exchange) {
  const Result<domain::Image> image = find(services.images, exchange.request().param("ref"));
  std::string text = image ? image_line(*image) : std::string();
  co_await answer(exchange, outcome_of(image), std::move(text));
}

io::Task<void> add_image(Services& services, Exchange& exchange) {
  Result<wire::AddImage> request = add_request(exchange.request());
  if (!request) {
    co_await exchange.fail(request.error());
    co_return;
  }
  auto addition = std::make_shared<Addition>(services.executor);
  io::Task<Result<json::value>> work = add_with(services.images, std::move(*request), addition->progress);
  co_await answer_addition(services, exchange, std::move(addition), std::move(work));
}

io::Task<void> delete_image(Services& services, Exchange& exchange) {
  const std::string& ref = exchange.request().param("ref");
  Status removed = remove(services.images, ref);
  std::string text = removed_line("image", ref);
  co_await answer(exchange, std::move(removed), std::move(text));
}

io::Task<void> list_registries(Services& services, Exchange& exchange) {
  std::string text = list_of("registries", services.images.logins());
  co_await answer(exchange, Status(), std::move(text));
}

io::Task<void> put_registry(Services& services, Exchange& exchange) {
  const Result<wire::LoginRow> row = put(services.images, exchange.request());
  std::string text = row ? login_line(*row) : std::string();
  co_await answer(exchange, outcome_of(row), std::move(text));
}

io::Task<void> delete_registry(Services& services, Exchange& exchange) {
  const std::string& host = exchange.request().param("host");
  Status removed = services.images.log_out(host);
  std::string text = removed_line("registry", host);
  co_await answer(exchange, std::move(removed), std::move(text));
}

}  // namespace ebb::gateway
