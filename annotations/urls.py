from django.urls import path

from annotations import api

urlpatterns = [
    path("leases", api.LeasesView.as_view(), name="leases"),
    path("leases/<int:pk>", api.LeaseView.as_view(), name="lease"),
    path("leases/<int:pk>/renew", api.RenewalView.as_view(), name="renewal"),
    path("leases/<int:pk>/skip", api.SkipView.as_view(), name="skip"),
    path("leases/<int:pk>/annotation", api.AnnotationView.as_view(), name="annotation"),
    path("exports", api.ExportsView.as_view(), name="exports"),
    path("exports/<int:pk>", api.ExportView.as_view(), name="export"),
    path("exports/<int:pk>/download", api.ExportDownloadView.as_view(), name="export-download"),
]
