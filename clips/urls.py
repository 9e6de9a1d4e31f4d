from django.urls import path

from clips import api, register

urlpatterns = [
    path("clips", api.ClipsView.as_view(), name="clips"),
    path("clips/<int:pk>", api.ClipView.as_view(), name="clip"),
    path("owners/<slug:key>/sights", api.OwnerSightsView.as_view(), name="owner-sights"),
    path("disclosures", api.DisclosuresView.as_view(), name="disclosures"),
    path("uploads", api.UploadsView.as_view(), name="uploads"),
    path("uploads/<int:pk>/confirm", api.ConfirmationView.as_view(), name="confirmation"),
    path("owners/<str:key>/requests", register.OwnerRequestsView.as_view(), name="owner-requests"),
    path("owners/<str:key>/requests/<int:pk>", register.OwnerRequestView.as_view(), name="owner-request"),
    path("transparency", register.TransparencyView.as_view(), name="transparency"),
]
