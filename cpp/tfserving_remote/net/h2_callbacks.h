// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_H2_CALLBACKS_H_
#define TFSERVING_REMOTE_NET_H2_CALLBACKS_H_

#include <nghttp2/nghttp2.h>

namespace tfserving_remote {

/// nghttp2's C callbacks, each handing over to the H2Session that is its user data. Never
/// destroyed.
struct H2Callbacks {
  static const nghttp2_session_callbacks* Get();
  static const nghttp2_option* Options();
  /// Source of the DATA frames of a response.
  static ssize_t Read(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t size,
                      uint32_t* flags, nghttp2_data_source* source, void* user);

 private:
  static int BeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int Header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                    void* user);
  static int FrameReceived(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int InvalidFrame(nghttp2_session* session, const nghttp2_frame* frame, int error,
                          void* user);
  static int DataChunk(nghttp2_session* session, uint8_t flags, int32_t id, const uint8_t* data,
                       size_t size, void* user);
  static int FrameSent(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int StreamClosed(nghttp2_session* session, int32_t id, uint32_t error, void* user);
  static int SendData(nghttp2_session* session, nghttp2_frame* frame, const uint8_t* frame_header,
                      size_t size, nghttp2_data_source* source, void* user);
  static ssize_t DataFrameSize(nghttp2_session* session, uint8_t frame_type, int32_t id,
                               int32_t connection_window, int32_t stream_window,
                               uint32_t max_frame_size, void* user);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_H2_CALLBACKS_H_
